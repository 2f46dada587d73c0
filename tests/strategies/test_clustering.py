"""K-means, its start, and who represents a cluster: against scikit-learn from its own start, and by loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.datasets import load_digits

import albench
from albench_strategies.numerics.clustering import kmeans, representatives, spread_out
from albench_strategies.numerics.geometry import farthest_first
from tests.strategies.planted import blobs, planted
from tests.strategies.rounds import Array


def _square(a: Array, b: Array) -> float:
    return float(np.sum((a - b) ** 2))


def _inertia(points: Array, centres: Array, weights: Array) -> float:
    return float(sum(w * min(_square(x, c) for c in centres) for x, w in zip(points, weights, strict=True)))


def _kmeans(points: Array, k: int, weights: Array) -> Array:
    centres: Array = kmeans(torch.from_numpy(points), k, torch.from_numpy(weights))[0].numpy()
    return centres


def _data(name: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    if name.startswith("digits"):
        points = load_digits().data[:600] / 16
    elif name.startswith("heavy tails"):
        points = rng.standard_t(2, size=(600, 5))
    else:
        points = rng.normal(size=(600, 8))
    flat = np.ones(len(points))
    weights = {
        "equal weights": flat,
        "log-normal weights": np.exp(4 * rng.normal(size=len(points))),
        "one in ten": np.where(rng.random(len(points)) < 0.1, 1.0, 1e-6),
        "far is light": np.exp(-3 * np.linalg.norm(points - points.mean(axis=0), axis=1)),
    }
    return points, weights[name.partition(", ")[2]]


CASES = [
    f"{points}, {weights}"
    for points in ("digits", "heavy tails", "a Gaussian")
    for weights in ("equal weights", "log-normal weights", "one in ten", "far is light")
]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("k", [8, 40])
def test_kmeans_costs_a_few_per_cent_more_than_the_best_of_scikit_learns_own_starts(name: str, k: int) -> None:
    points, weights = _data(name)
    best = min(
        SklearnKMeans(k, n_init=1, random_state=seed).fit(points, sample_weight=weights).inertia_ for seed in range(10)
    )
    assert _inertia(points, _kmeans(points, k, weights), weights) <= 1.1 * best


def test_kmeans_is_on_average_better_than_a_run_of_scikit_learn() -> None:
    ratios = []
    for name in CASES:
        points, weights = _data(name)
        fits = [SklearnKMeans(20, n_init=1, random_state=s).fit(points, sample_weight=weights) for s in range(5)]
        typical = np.mean([fit.inertia_ for fit in fits])
        ratios.append(_inertia(points, _kmeans(points, 20, weights), weights) / typical)
    assert np.mean(ratios) <= 0.99


def test_kmeans_moves_a_centre_without_weight_to_where_the_cost_is_highest() -> None:
    sides = np.array([[-1.0, 0.3], [-1.0, -0.3], [1.0, 0.1], [1.0, -0.1]])
    points, weights = np.vstack([[[0.0, 0.0]], sides]), np.array([0.0, 1.0, 1.0, 1.0, 1.0])
    best = SklearnKMeans(3, n_init=20, random_state=0).fit(points, sample_weight=weights).inertia_
    centres = _kmeans(points, 3, weights)  # the first starts at the mean, which weighs nothing
    np.testing.assert_allclose(_inertia(points, centres, weights), best, rtol=1e-12)


def test_kmeans_moves_a_centre_without_weight_to_the_point_that_costs_most() -> None:
    sides = np.array([[-1.0, 0.3], [-1.0, -0.3], [1.0, 0.4], [1.0, -0.4], [9.0, 9.0]])
    points, weights = np.vstack([[[0.0, 0.0]], sides]), np.array([0.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    points_, weights_ = torch.from_numpy(points), torch.from_numpy(weights)
    start = points[spread_out(points_, 3, weights_).numpy()]
    costs = [w * min(_square(x, c) for c in start) for x, w in zip(points, weights, strict=True)]
    assert start[0].tolist() == [0.0, 0.0]
    assert sorted(costs)[-1] > 1.5 * sorted(costs)[-2] > 0
    centres, _ = kmeans(points_, 3, weights_, iterations=1)
    assert centres[0].tolist() == points[int(np.argmax(costs))].tolist()


def test_kmeans_centres_are_the_weighted_means_of_their_clusters() -> None:
    points, weights = _data("digits, log-normal weights")
    centres, place = kmeans(torch.from_numpy(points), 7, torch.from_numpy(weights), iterations=200)
    for c, centre in enumerate(centres.numpy()):
        mine = place.numpy() == c
        np.testing.assert_allclose(centre, np.average(points[mine], axis=0, weights=weights[mine]), 1e-6, 1e-12)
    nearest = [min(range(7), key=lambda c, x=x: _square(x, centres[c].numpy())) for x in points]  # type: ignore[misc]
    assert place.tolist() == nearest


def test_kmeans_gives_the_same_centres_for_points_in_another_order() -> None:
    points, weights = _data("heavy tails, log-normal weights")
    order = np.random.default_rng(1).permutation(len(points))
    one, other = _kmeans(points, 12, weights), _kmeans(points[order], 12, weights[order])
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_kmeans_has_no_more_centres_than_there_are_different_points_of_some_weight() -> None:
    different = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    points, weights = np.vstack([np.repeat(different, 5, axis=0), [[7.0, 7.0]]]), np.ones(16)
    weights[-1] = 0
    centres = _kmeans(points, 6, weights)
    assert sorted(centres.tolist()) == sorted(different.tolist())


def _at_shares(costs: list[float], order: list[int]) -> list[int]:
    """Who stands at the middles of sixteen equal shares of the costs, counted in an order."""
    candidates = []
    for share in range(16):
        reached, place = 0.0, -1
        while reached < (share + 0.5) / 16 * sum(costs):
            place += 1
            reached += costs[order[place]]
        candidates.append(order[place])
    return candidates


@pytest.mark.parametrize("name", ["a Gaussian, equal weights", "a Gaussian, log-normal weights"])
def test_spread_out_takes_four_of_the_candidates_of_sixteen_equal_shares_that_lower_the_cost_most(name: str) -> None:
    points, weights = _data(name)
    points, weights = points[:150], weights[:150]
    mean = np.average(points, axis=0, weights=weights)
    chosen = [min(range(150), key=lambda i: _square(points[i], mean))]
    order, ordered_at = list(range(150)), 0
    while len(chosen) < 23:
        costs = [w * min(_square(x, points[c]) for c in chosen) for x, w in zip(points, weights, strict=True)]
        if len(chosen) >= 2 * ordered_at:
            order, ordered_at = sorted(range(150), key=lambda i: -costs[i]), len(chosen)
        candidates = _at_shares(costs, order)
        for _ in range(min(4, 23 - len(chosen))):
            chosen.append(min(candidates, key=lambda i: _inertia(points, points[[*chosen, i]], weights)))
    assert len(set(chosen)) == 23
    assert spread_out(torch.from_numpy(points), 23, torch.from_numpy(weights)).tolist() == chosen


@pytest.mark.parametrize("keep_start", [True, False], ids=["start kept", "start for the first one alone"])
def test_farthest_first_picks_what_is_farthest_from_all_picked_before(keep_start: bool) -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    start = np.linalg.norm(points - 0.3, axis=1) / 2
    between = np.linalg.norm(points[:, None] - points, axis=2)
    chosen = [int(np.argmax(start))]
    while len(chosen) < 12:

        def gain(i: int) -> float:
            reach = [float(between[i, j]) for j in chosen]
            return min([*reach, float(start[i])] if keep_start else reach)

        chosen.append(max((i for i in range(40) if i not in chosen), key=gain))
    found = farthest_first(torch.from_numpy(start), 12, lambda i: torch.from_numpy(between[i]), keep_start)
    assert found.tolist() == chosen


def test_representatives_are_nearest_to_the_centres_then_farthest_first_and_never_twice() -> None:
    points = np.random.default_rng(2).normal(size=(30, 2))
    centres = np.array([points[4] + 0.01, points[4] - 0.02, [1.0, 1.0]])  # the first two have one nearest point
    chosen: list[int] = []
    for centre in centres:
        chosen.append(
            min((i for i in range(30) if i not in chosen), key=lambda i, c=centre: _square(points[i], c))  # type: ignore[misc]
        )
    assert chosen[0] == 4
    while len(chosen) < 7:
        rest = [i for i in range(30) if i not in chosen]
        chosen.append(max(rest, key=lambda i: min(_square(points[i], points[j]) for j in chosen)))
    found = representatives(torch.from_numpy(points), torch.from_numpy(centres), 7)
    assert found.tolist() == chosen


def _confident_pool() -> tuple[albench.Query, Array]:
    """A pool of which one example in four is uncertain, and the entropies by the authors' formula."""
    rng = np.random.default_rng(3)
    head = np.eye(6)
    sure = rng.normal(size=(350, 6)) + 25 * np.eye(6)[rng.integers(6, size=350)]
    unsure = rng.normal(size=(120, 6))
    query = planted(np.vstack([sure, unsure]), rng.normal(size=(20, 6)), head)
    posteriors = np.exp(query.pool.numpy()) / np.exp(query.pool.numpy()).sum(axis=1, keepdims=True) + 1e-8
    return query, np.array([-sum(q * np.log(q) for q in p) for p in posteriors])


def test_clue_takes_no_confident_example_while_there_are_uncertain_ones() -> None:
    query, weights = _confident_pool()
    chosen = albench.strategy("clue").select(query, 25).numpy()
    assert (weights < 0.01 * weights.mean()).mean() > 0.7
    assert sum(weights[i] < 0.01 * weights.mean() for i in chosen) <= 1


def test_clue_finds_centres_as_good_as_those_of_the_authors_library() -> None:
    query, weights = _confident_pool()
    points = query.pool.numpy()
    strategy = albench.strategy("clue")
    np.testing.assert_allclose(strategy.weights(query).numpy(), weights, rtol=1e-6)  # type: ignore[attr-defined]
    fits = [SklearnKMeans(25, n_init=1, random_state=s).fit(points, sample_weight=weights) for s in range(10)]
    assert _inertia(points, _kmeans(points, 25, weights), weights) <= 1.05 * min(fit.inertia_ for fit in fits)


def test_clue_selects_the_example_nearest_to_each_centre_of_its_weighted_k_means() -> None:
    points, place = blobs([12, 9, 15, 6], 6, 0.3, seed=4)
    query = planted(points, points[:3], np.random.default_rng(0).normal(size=(3, 6)))
    weights = albench.strategy("clue").weights(query).numpy()  # type: ignore[attr-defined]
    fit = SklearnKMeans(4, n_init=10, random_state=0).fit(points, sample_weight=weights)
    expected = [min(range(len(points)), key=lambda i, c=c: _square(points[i], c)) for c in fit.cluster_centers_]  # type: ignore[misc]
    found = albench.strategy("clue").select(query, 4).tolist()
    assert sorted(found) == sorted(expected)
    assert len(set(place[found].tolist())) == 4
