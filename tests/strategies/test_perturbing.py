"""Committees, adversaries and perturbations against the published algorithms, one example at a time."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from math import log

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import albench
from albench.contracts.query import Query
from albench_strategies import perturbing
from albench_strategies.committee import QueryByCommittee
from albench_strategies.numerics.clustering import kmeans
from albench_strategies.numerics.heads import standardised
from albench_strategies.perturbing import UNREACHED
from tests.strategies import noise
from tests.strategies.rounds import Array, close, greedy_in_set, look, probe64, round64, unit


def test_qbc_is_the_mean_divergence_of_heads_fitted_to_resampled_labels() -> None:
    query = round64(n_labeled=40)
    seen = look(query)
    mean, spread = seen.labeled_f.mean(axis=0), seen.labeled_f.std(axis=0)
    labeled, pool = (seen.labeled_f - mean) / spread, (seen.f - mean) / spread
    drawn = torch.randint(40, (3, 40), generator=round64(n_labeled=40).generator).numpy()
    posteriors = []
    for rows in drawn:
        x = np.concatenate([labeled[rows], np.ones((40, 1))], axis=1)
        fitted = LogisticRegression(C=1 / (0.1 * 40), fit_intercept=False, tol=1e-10, max_iter=5000)
        fitted.fit(x, seen.labels[rows])
        assert set(fitted.classes_) == set(range(query.n_classes))
        posteriors.append(fitted.predict_proba(np.concatenate([pool, np.ones((len(pool), 1))], axis=1)))
    expected = []
    for ps in np.array(posteriors).transpose(1, 0, 2):
        consensus = ps.mean(axis=0)
        expected.append(np.mean([sum(q * log(q / c) for q, c in zip(p, consensus, strict=True)) for p in ps]))
    found = albench.strategy("qbc[members=3,ridge=0.1,steps=3000]").score(query)
    close(found, expected, rtol=1e-4)


def test_qbc_heads_have_converged_after_the_default_steps() -> None:
    query = round64(n_labeled=40)
    (labeled,) = standardised(query.labeled_features)
    few = QueryByCommittee()._heads(labeled, round64(n_labeled=40))
    many = QueryByCommittee(steps=5000)._heads(labeled, round64(n_labeled=40))
    change = torch.softmax(labeled @ few, dim=2) - torch.softmax(labeled @ many, dim=2)
    assert float(change.abs().mean()) < 0.02


def _deepfool(query: Query, image: Array, iterations: int, n_classes: int) -> float:
    """Moosavi-Dezfooli et al. 2016, algorithm 2, for one image."""
    moved, classes = np.zeros_like(image), None
    for _ in range(iterations):
        x = torch.from_numpy(image + 1.02 * moved).requires_grad_()
        logits = query.network(x[None])[0]
        order = logits.detach().argsort(descending=True).tolist()
        classes = classes or order[: n_classes + 1]
        if order[0] != classes[0]:
            break
        options = []
        for k in classes[1:]:
            gap = logits[classes[0]] - logits[k]
            (w,) = torch.autograd.grad(gap, x, retain_graph=True)
            w, distance = w.numpy(), float(gap.detach()) + 1e-4
            options.append((distance / np.linalg.norm(w), -distance * w / np.linalg.norm(w) ** 2))
        moved = moved + min(options, key=lambda option: option[0])[1]
    return float(np.linalg.norm(moved))


def test_deepfool_is_minus_the_length_of_the_change_that_the_algorithm_finds() -> None:
    query = round64()
    expected = [-_deepfool(query, image.numpy(), 3, 4) for image in query.pool]
    close(albench.strategy("deepfool").score(query), expected)
    close(
        albench.strategy("deepfool[iterations=1,classes=1]").score(query),
        [-_deepfool(query, image.numpy(), 1, 1) for image in query.pool],
    )


def test_deepfool_finds_the_exact_boundary_of_a_linear_network() -> None:
    class Linear(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = torch.nn.Linear(36, 4).double()

        def features(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.head(self.features(images))

    query = replace(probe64(), network=Linear().eval()).query()
    weight = query.network.head.weight.detach().numpy()
    expected = []
    for z in look(query).z:
        top = int(np.argmax(z))
        gaps = [(z[top] - z[c]) / np.linalg.norm(weight[top] - weight[c]) for c in range(4) if c != top]
        expected.append(-min(gaps))
    close(albench.strategy("deepfool").score(query), expected, rtol=1e-3, atol=1e-3)


def test_deepfool_puts_a_boundary_that_no_gradient_leads_to_far_away() -> None:
    query = round64()
    with torch.no_grad():
        query.network.convolution.weight.zero_()
        query.network.linear.weight.zero_()
    close(albench.strategy("deepfool").score(query), [-UNREACHED] * len(query.pool))


def _alfa_mix(query: Query) -> tuple[Array, Callable[[int, float], bool]]:
    """The features, and whether a mix of strength e changes an example's prediction, by the paper's closed form.

    A class without labels has the mean of all labelled features for its anchor, as in the authors' program.
    """
    seen = look(query)
    weight, bias = query.network.head.weight.detach().numpy(), query.network.head.bias.detach().numpy()
    of_class = [seen.labeled_f[seen.labels == c] for c in range(query.n_classes)]
    anchors = [rows.mean(axis=0) if len(rows) else seen.labeled_f.mean(axis=0) for rows in of_class]

    def changes(i: int, e: float) -> bool:
        f, top = seen.f[i], int(np.argmax(seen.z[i]))
        g = weight.T @ (seen.p[i] - np.eye(len(bias))[top])
        mixes = [f + e / np.sqrt(len(f)) * np.linalg.norm(m - f) * g / np.linalg.norm(g) for m in anchors]
        return any(int(np.argmax(weight @ mix + bias)) != top for mix in mixes)

    return seen.f, changes


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [1, 3]])
def test_alfa_mix_is_the_least_mix_that_changes_the_prediction(labels: list[int]) -> None:
    query = replace(probe64(), labels=torch.tensor(labels * (12 // len(labels)))).query()
    _, changes = _alfa_mix(query)
    scores = albench.strategy("alfa-mix").score(query).numpy()
    for i, e in enumerate(-scores / (1 + scores)):
        assert changes(i, 1.001 * e)
        assert not changes(i, 0.999 * e)


def _alfa_mix_candidates(query: Query, k: int, step: float) -> list[int]:
    """The candidates of the authors' program: the cap grows while no more than k predictions change."""
    _, changes = _alfa_mix(query)
    cap, candidates = 0.0, set[int]()
    while cap < 1.0:
        cap += step
        candidates |= {i for i in range(len(query.pool)) if changes(i, cap)}
        if len(candidates) > k:
            break
    return sorted(candidates)


@pytest.mark.parametrize(("k", "step"), [(6, 0.2), (12, 0.2), (22, 0.2), (6, 1 / 32)])
def test_alfa_mix_selects_what_represents_the_candidates_by_their_directions(k: int, step: float) -> None:
    query = confident()
    candidates = _alfa_mix_candidates(query, k, step)
    assert k < len(candidates) < len(query.pool)
    directions = unit(look(query).f[candidates])
    centres, _ = kmeans(torch.from_numpy(directions), k)
    text = "alfa-mix" if step == 0.2 else f"alfa-mix[step={step}]"
    chosen = albench.strategy(text).select(query, k).tolist()
    assert len(set(chosen)) == k
    assert set(chosen) <= set(candidates)
    place = [candidates.index(i) for i in chosen]
    for centre in centres.numpy():  # one of two is as near as the other
        distances = np.linalg.norm(directions - centre, axis=1)
        assert distances[place].min() == pytest.approx(distances.min(), abs=1e-9)


def test_alfa_mix_draws_the_rest_at_random_where_too_few_predictions_change() -> None:
    candidates = _alfa_mix_candidates(confident(bias=20), 40, 0.2)
    assert 0 < len(candidates) < 40
    drawn = [albench.strategy("alfa-mix").select(confident(20, seed), 40).tolist() for seed in (0, 0, 1)]
    assert all(set(candidates) <= set(chosen) and len(set(chosen)) == 40 for chosen in drawn)
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) != set(drawn[2])


def confident(bias: float = 0, seed: int = 0) -> Query:
    """A round whose logits are far apart, and of which a mix changes few where the first class is preferred."""
    probe = replace(probe64(n_pool=60), seed=seed)
    with torch.no_grad():
        probe.network.head.weight.mul_(4)
        probe.network.head.bias[0] += bias
    return probe.query()


def test_alfa_mix_knows_the_direction_for_posteriors_that_float32_rounds_to_one() -> None:
    probe = probe64()
    with torch.no_grad():
        probe.network.head.weight.mul_(12)
    exact = albench.strategy("alfa-mix").score(probe.query())
    single = replace(
        probe, network=copy.deepcopy(probe.network).float(), pool=probe.pool.float(), labeled=probe.labeled.float()
    ).query()
    assert bool((single.probabilities.amax(dim=1) == 1).any())
    close(albench.strategy("alfa-mix").score(single), exact, rtol=1e-3)


def test_noise_stability_is_the_length_of_the_relative_deviations_of_the_posterior() -> None:
    vectors = noise.deviations(round64().network, round64().pool, round64().generator, 30)
    close(albench.strategy("noise-stability").score(round64()), [np.linalg.norm(v) for v in vectors])


@pytest.mark.parametrize("k", [1, 5, 36, 50])
def test_noise_stability_selects_farthest_first_from_the_origin(k: int) -> None:
    vectors = noise.deviations(round64().network, round64().pool, round64().generator, 30)
    chosen = albench.strategy("noise-stability").select(round64(), k).tolist()
    assert chosen == noise.picks(vectors, min(k, 36))


def test_noise_stability_values_a_set_by_the_mean_distance_of_greedy_picks_within_it() -> None:
    query = round64(n_pool=60, set_size=6)
    vectors = noise.deviations(query.network, query.pool, query.generator, 4)
    expected = [
        greedy_in_set(
            np.linalg.norm(vectors[s], axis=1),
            lambda i, j, s=s: float(np.linalg.norm(vectors[s[i]] - vectors[s[j]])),
            keep_start=True,
        )  # type: ignore[misc]
        for s in look(query).sets
    ]
    found = albench.strategy("noise-stability[samples=4]").score_sets(round64(n_pool=60, set_size=6))
    close(found, expected)


def test_noise_stability_selects_among_the_longest_deviations_where_memory_holds_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors = noise.deviations(round64().network, round64().pool, round64().generator, 3)
    longest = sorted(range(36), key=lambda i: -float(np.linalg.norm(vectors[i])))
    strategy = albench.strategy("noise-stability[samples=3]")
    for held, k in ((10, 4), (10, 12)):
        monkeypatch.setattr(perturbing, "HELD_NUMBERS", held * 3 * 4)
        rows = sorted(longest[: max(held, k)])
        expected = [rows[i] for i in noise.picks(vectors[rows], k)]
        assert strategy.select(round64(), k).tolist() == expected
