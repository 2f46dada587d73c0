"""UHerding, DropQuery and Cluster-Margin against their papers' formulas, by loops over examples."""

from __future__ import annotations

import itertools
from math import ceil, exp

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.linear_model import LogisticRegression

import albench
from albench.contracts.query import Query
from tests.strategies.planted import blobs, planted
from tests.strategies.rounds import Array, close, look, round64, unit


def _softmax(logits: Array) -> Array:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def _margin(p: Array) -> float:
    first, second = sorted(p, reverse=True)[:2]
    return float(first - second)


@pytest.mark.parametrize(("width", "temperature"), [(0.7, 1.0), (0.15, 4.0)])
def test_uherding_is_the_gain_in_the_pool_s_covered_uncertainty(width: float, temperature: float) -> None:
    query = round64(n_pool=40, set_size=5)
    seen = look(query)
    f, labeled = unit(seen.f), unit(seen.labeled_f)
    uncertain = [1 - _margin(p) for p in _softmax(seen.z / temperature)]

    def kernel(x: Array, y: Array) -> float:
        return exp(-float(np.sum((x - y) ** 2)) / width**2)

    covered = [max(kernel(x, m) for m in labeled) for x in f]

    def gain(members: list[int]) -> float:
        reached = [max(kernel(x, f[s]) for s in members) for x in f]
        return float(np.mean([u * max(0.0, r - c) for u, r, c in zip(uncertain, reached, covered, strict=True)]))

    strategy = albench.strategy(f"uherding[width={width},temperature={temperature}]")
    close(strategy.score_sets(query), [gain(s.tolist()) for s in seen.sets])
    close(strategy.score(query), [gain([i]) for i in range(len(f))])
    chosen: list[int] = []
    for _ in range(4):
        rest = [i for i in range(len(f)) if i not in chosen]
        chosen.append(max(rest, key=lambda i: gain([*chosen, i])))
    assert strategy.select(query, 4).tolist() == chosen


def test_uherding_takes_the_smallest_distance_between_labelled_examples_for_its_width() -> None:
    rng = np.random.default_rng(0)
    labeled = np.vstack([rng.normal(size=(14, 5)), 2 * rng.normal(size=(1, 5))])
    labeled = np.vstack([labeled, 3 * labeled[:2]])  # of unit norm they are the same
    query = planted(rng.normal(size=(10, 5)), labeled, rng.normal(size=(3, 5)))
    f = unit(labeled)
    distances = [float(np.linalg.norm(a - b)) for a, b in itertools.combinations(f, 2)]
    albench.strategy("uherding").score(query)
    assert query.notes["width"] == pytest.approx(min(d for d in distances if d > 1e-12), rel=1e-9)
    alone = planted(rng.normal(size=(10, 5)), labeled[:1], rng.normal(size=(3, 5)))
    albench.strategy("uherding").score(alone)
    assert (alone.notes["width"], alone.notes["temperature"]) == (1.0, 1.0)


def _calibration_error(posteriors: Array, labels: Array) -> float:
    n, classes = posteriors.shape
    total = 0.0
    for b in range(classes):
        held = [i for i in range(n) if b / classes < posteriors[i].max() <= (b + 1) / classes]
        if held:
            right = np.mean([posteriors[i].argmax() == labels[i] for i in held])
            total += abs(right - np.mean([posteriors[i].max() for i in held])) * len(held) / n
    return total


@pytest.mark.parametrize(("d", "noise"), [(6, 0.0), (50, 0.5)], ids=["clear labels", "labels that overfit"])
def test_uherding_takes_the_temperature_at_which_held_out_labels_are_best_calibrated(d: int, noise: float) -> None:
    rng = np.random.default_rng(5)
    labeled = rng.normal(size=(200, d))
    query = planted(rng.normal(size=(12, d)), labeled, rng.normal(size=(4, d)), seed=9)
    labels = query.labels.numpy().copy()
    wrong = rng.random(200) < noise
    labels[wrong] = rng.integers(4, size=int(wrong.sum()))
    query.labels.copy_(torch.from_numpy(labels))
    order = torch.randperm(200, generator=torch.Generator().manual_seed(9)).numpy()
    held, fit = order[:60], order[60:]
    mean, spread = labeled[fit].mean(axis=0), labeled[fit].std(axis=0)
    inputs = np.hstack([(labeled - mean) / spread, np.ones((200, 1))])
    head = LogisticRegression(C=1 / (0.01 * len(fit)), fit_intercept=False, tol=1e-8, max_iter=5000)
    head.fit(inputs[fit], labels[fit])
    logits = inputs[held] @ head.coef_.T
    errors = {round(t, 1): _calibration_error(_softmax(logits / t), labels[held]) for t in np.arange(1.0, 20.0, 0.1)}
    albench.strategy("uherding").score(query)
    temperature = float(query.notes["temperature"])
    assert errors[round(temperature, 1)] <= min(errors.values()) + 0.01  # the head is fitted by 100 steps
    assert (temperature > 1.2) == (noise > 0)


def test_uherding_covers_nothing_but_an_example_itself_when_two_labelled_ones_nearly_coincide() -> None:
    rng = np.random.default_rng(1)
    labeled = rng.normal(size=(6, 4))
    labeled[1] = labeled[0] + [3e-3, 0, 0, 0]  # 5e-6 squared, where float32 products of unit vectors round by 5e-7
    query = planted(rng.normal(size=(30, 4)), labeled, rng.normal(size=(3, 4)))
    single = Query(
        query.network.float(), query.pool.float(), query.labeled.float(), query.labels, None, query.generator
    )
    score = albench.strategy("uherding[temperature=1]").score(single)
    expected = [(1 - _margin(p)) / 30 for p in single.probabilities.numpy()]
    close(score, expected, rtol=1e-4)


def _disagreements(query: Query, seed: int, samples: int, rate: float) -> list[int]:
    """How often dropout changes the class of each example, one unit after another."""
    generator = torch.Generator().manual_seed(seed)
    f, head = query.pool.numpy(), query.network.head.weight.detach().numpy()
    bias = query.network.head.bias.detach().numpy()
    found = [0] * len(f)
    for _ in range(samples):
        drawn = torch.rand(f.shape, generator=generator).numpy()
        for i, x in enumerate(f):
            kept = np.array([v / (1 - rate) if u >= rate else 0.0 for v, u in zip(x, drawn[i], strict=True)])
            found[i] += int(np.argmax(head @ kept + bias) != np.argmax(head @ x + bias))
    return found


def _blobs_under_dropout(sets: object = None) -> tuple[Query, Array]:
    points, place = blobs([15, 12, 18, 10], 8, 0.3, seed=2)
    query = planted(points, points[:4], np.random.default_rng(2).normal(size=(5, 8)), sets, seed=11)
    query.network.head.bias.data += torch.tensor([0.0, 0.6, 0.2, -0.4, 0.4])  # a scale left out would be seen
    return query, place


def test_dropquery_takes_the_candidates_nearest_to_the_centres_of_k_means() -> None:
    query, place = _blobs_under_dropout()
    times = _disagreements(query, 11, samples=5, rate=0.6)
    candidates = [i for i, n in enumerate(times) if n > 2.5]
    assert len({place[i] for i in candidates}) == 4
    assert 8 < len(candidates) < 50
    points = query.pool.numpy()
    centres = SklearnKMeans(4, n_init=20, random_state=0).fit(points[candidates]).cluster_centers_
    expected = [min(candidates, key=lambda i, c=c: float(np.sum((points[i] - c) ** 2))) for c in centres]  # type: ignore[misc]
    found = albench.strategy("dropquery[samples=5,rate=0.6]").select(query, 4)
    assert sorted(found.tolist()) == sorted(expected)


def test_dropquery_values_a_set_by_the_cost_of_the_candidates_with_its_members_as_centres() -> None:
    sets = np.random.default_rng(0).permuted(np.tile(np.arange(55), (20, 1)), axis=1)[:, :4]
    query, _ = _blobs_under_dropout(sets)
    points = query.pool.numpy()
    candidates = [i for i, n in enumerate(_disagreements(query, 11, samples=3, rate=0.75)) if n > 1.5]
    assert 8 < len(candidates) < 50
    costs = [
        np.mean([min(np.sum((points[i] - points[s]) ** 2) for s in members) for i in candidates]) for members in sets
    ]
    close(albench.strategy("dropquery").score_sets(query), [-cost for cost in costs])


def test_dropquery_lets_those_that_disagree_next_most_often_join_too_few_candidates() -> None:
    query, _ = _blobs_under_dropout()
    times = _disagreements(query, 11, samples=5, rate=0.6)
    candidates = [i for i, n in enumerate(times) if n > 2.5]
    k = len(candidates) + 1
    found = albench.strategy("dropquery[samples=5,rate=0.6]").select(query, k).tolist()
    assert len(set(found)) == k
    assert min(times[i] for i in found) >= sorted(times, reverse=True)[k - 1]


def _agglomerated(points: Array, n_clusters: int) -> list[set[int]]:
    """Average linkage, merging the two clusters of the smallest mean distance again and again."""
    clusters = [{i} for i in range(len(points))]
    while len(clusters) > n_clusters:
        first, second = min(
            itertools.combinations(clusters, 2),
            key=lambda pair: np.mean([np.linalg.norm(points[i] - points[j]) for i in pair[0] for j in pair[1]]),
        )
        clusters = [c for c in clusters if c not in (first, second)] + [first | second]
    return clusters


def _cluster_margin_round(sets: object = None, seed: int = 0, **more: torch.Tensor) -> Query:
    rng = np.random.default_rng(7)
    return planted(rng.normal(size=(36, 4)), rng.normal(size=(5, 4)), rng.normal(size=(4, 4)), sets, seed, **more)


def test_cluster_margin_goes_round_the_clusters_of_the_smallest_margins_fewest_first() -> None:
    strategy = albench.strategy("cluster-margin[multiple=2,cluster_size=5]")
    query = _cluster_margin_round()
    clusters = _agglomerated(query.pool.numpy(), 36 // 5)
    margins = [_margin(p) for p in look_posteriors(query)]
    candidates = sorted(range(36), key=lambda i: margins[i])[: 2 * 9]
    groups = sorted((sorted(c & set(candidates)) for c in clusters if c & set(candidates)), key=len)
    assert len({len(group) for group in groups}) > 2
    expected: list[tuple[int, int]] = []  # the round, and the size of the cluster that is drawn from
    for turn in range(9):
        expected += [(turn, len(group)) for group in groups if len(group) > turn]
    first_picks = set()
    for seed in range(40):
        found = strategy.select(_cluster_margin_round(seed=seed), 9).tolist()
        assert set(found) <= set(candidates)
        taken: list[int] = []
        order = []
        for i in found:
            (mine,) = [number for number, group in enumerate(groups) if i in group]
            order.append((taken.count(mine), len(groups[mine])))
            taken.append(mine)
        assert order == expected[:9]
        first_picks |= {i for i in found if i in groups[-1]}
    assert first_picks == set(groups[-1])  # any of a cluster's examples may be drawn


def look_posteriors(query: Query) -> Array:
    return _softmax(query.pool.numpy() @ query.network.head.weight.detach().numpy().T)


def test_cluster_margin_values_a_set_by_the_turns_of_its_members() -> None:
    sets = np.random.default_rng(0).permuted(np.tile(np.arange(36), (25, 1)), axis=1)[:, :4]
    query = _cluster_margin_round(sets)
    margins = [_margin(p) for p in look_posteriors(query)]
    mine = {i: c for c in map(frozenset, _agglomerated(query.pool.numpy(), 36 // 5)) for i in c}
    candidates = sorted(range(36), key=lambda i: margins[i])[: ceil(1.25 * 4)]
    expected = []
    for members in sets:
        values = []
        for i in members:
            earlier = sum(j in mine[i] and margins[j] < margins[i] for j in members)
            turn = earlier + (0 if i in candidates else 36)
            values.append(-turn * 37 - sum(j in mine[i] for j in candidates) + (1 - margins[i]) / 2)
        expected.append(np.mean(values))
    strategy = albench.strategy("cluster-margin[multiple=1.25,cluster_size=5]")
    close(strategy.score_sets(query), expected, rtol=0, atol=1e-9)


def test_cluster_margin_finds_its_clusters_in_the_first_round_alone() -> None:
    strategy = albench.strategy("cluster-margin[multiple=2,cluster_size=5]")
    first = _cluster_margin_round()
    strategy.select(first, 4)
    kept = torch.randperm(36, generator=torch.Generator().manual_seed(1))[:30]
    later = Query(
        first.network, first.pool[kept] * 0, first.labeled, first.labels, None, torch.Generator(),
        pool_ids=kept, memory=dict(first.memory),
    )  # fmt: skip
    strategy.score(later)
    assert torch.equal(later.memory["clusters"], first.memory["clusters"])
    assert len(set(first.memory["clusters"].tolist())) == 36 // 5


def test_cluster_margin_clusters_a_large_pool_in_parts() -> None:
    from albench_strategies.cluster_margin import clustered

    points = np.random.default_rng(3).normal(size=(31, 3))
    found = clustered(torch.from_numpy(points), 4.0, 12).tolist()
    expected = []
    for begin, end in ((0, 11), (11, 21), (21, 31)):
        groups = _agglomerated(points[begin:end], (end - begin) // 4)
        expected += [frozenset(i + begin for i in group) for group in groups]
    assert {frozenset(i for i in range(31) if found[i] == c) for c in set(found)} == set(expected)
    assert sorted(set(found)) == list(range(len(expected)))  # numbers that can be counted by
    strategy = albench.strategy("cluster-margin[multiple=2,cluster_size=4,part=13]")
    assert len(set(strategy.select(_cluster_margin_round(), 9).tolist())) == 9
