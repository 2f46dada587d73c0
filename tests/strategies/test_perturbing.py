"""Committees, adversaries and perturbations against the published algorithms, one example at a time."""

from __future__ import annotations

import copy
from dataclasses import replace
from math import log

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

import albench
from albench.contracts.query import Query
from albench_strategies.committee import QueryByCommittee, _scaled
from albench_strategies.perturbing import UNREACHED
from tests.strategies.rounds import Array, close, greedy_in_set, look, probe64, round64


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
    _, labeled = _scaled(query.features, query.labeled_features)
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


def test_alfa_mix_is_the_least_mix_that_changes_the_prediction() -> None:
    query = round64()
    seen = look(query)
    anchors = [seen.labeled_f[seen.labels == c].mean(axis=0) for c in range(4)]
    weight, bias = query.network.head.weight.detach().numpy(), query.network.head.bias.detach().numpy()
    scores = albench.strategy("alfa-mix").score(query).numpy()
    least = -scores / (1 + scores)
    for f, p, e in zip(seen.f, seen.p, least, strict=True):
        top = int(np.argmax(p))
        residual = p.copy()
        residual[top] -= 1
        g = weight.T @ residual

        def changes(e: float, f: Array = f, g: Array = g, top: int = top) -> bool:
            mixes = [f + e / np.sqrt(len(f)) * np.linalg.norm(m - f) * g / np.linalg.norm(g) for m in anchors]
            return any(int(np.argmax(weight @ mix + bias)) != top for mix in mixes)

        assert changes(1.001 * e)
        assert not changes(0.999 * e)


def test_alfa_mix_selects_from_the_candidates_of_the_smallest_step_that_gives_enough() -> None:
    query = round64()
    scores = albench.strategy("alfa-mix").score(query).numpy()
    least = -scores / (1 + scores)
    cap = next(step / 32 for step in range(1, 10**6) if (least <= step / 32).sum() >= 6)
    chosen = albench.strategy("alfa-mix").select(query, 6).tolist()
    assert set(chosen) <= set(np.flatnonzero(least <= cap).tolist())
    assert len(set(chosen)) == 6


def test_noise_stability_is_the_length_of_the_features_deviations() -> None:
    query = round64()
    draws, deviations = round64().generator, []
    for _ in range(6):
        noisy = copy.deepcopy(query.network)
        for layer in (noisy.convolution, noisy.linear, noisy.head):
            noise = torch.randn(layer.weight.shape, generator=draws).double()
            layer.weight.data += 1e-3 * layer.weight.norm() / noise.norm() * noise
        deviations.append(
            [(noisy.features(x[None])[0] - query.network.features(x[None])[0]).detach() for x in query.pool]
        )
    vectors = np.array([np.concatenate(parts) for parts in zip(*deviations, strict=True)]) / 1e-3
    lengths = np.linalg.norm(vectors, axis=1)
    close(albench.strategy("noise-stability").score(query), lengths)
    expected = [
        greedy_in_set(lengths[s], lambda i, j, s=s: np.linalg.norm(vectors[s[i]] - vectors[s[j]]), keep_start=False)
        for s in look(query).sets
    ]
    close(albench.strategy("noise-stability").score_sets(round64()), expected)
