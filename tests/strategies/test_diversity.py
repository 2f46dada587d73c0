"""Diversity strategies against their definitions, by loops over examples."""

from __future__ import annotations

import sys
from fractions import Fraction
from math import exp, log

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans as SklearnKMeans

import albench
from albench.contracts.query import Query
from tests.strategies.planted import blobs, planted
from tests.strategies.rounds import Array, close, greedy_in_set, look, round64, unit


def _distances(points: Array, others: Array) -> Array:
    return np.array([[np.linalg.norm(a - b) for b in others] for a in points])


def test_coreset_is_k_center_greedy() -> None:
    query = round64()
    seen = look(query)
    nearest = _distances(seen.f, seen.labeled_f).min(axis=1)
    close(albench.strategy("coreset").score(query), nearest)
    chosen: list[int] = []
    for _ in range(5):
        reach = np.minimum(nearest, _distances(seen.f, seen.f[chosen]).min(axis=1)) if chosen else nearest
        chosen.append(int(np.argmax(reach)))
    assert albench.strategy("coreset").select(query, 5).tolist() == chosen


def test_coreset_values_a_set_by_the_mean_gain_of_greedy_picks_within_it() -> None:
    query = round64(n_pool=60, n_sets=9, set_size=6)
    seen = look(query)
    nearest, between = _distances(seen.f, seen.labeled_f).min(axis=1), _distances(seen.f, seen.f)
    expected = [
        greedy_in_set(nearest[s], lambda i, j, s=s: between[s[i], s[j]], keep_start=True)  # type: ignore[misc]
        for s in seen.sets
    ]
    close(albench.strategy("coreset").score_sets(query), expected)


def test_kmeans_selects_the_example_nearest_to_each_centre() -> None:
    points, _ = blobs([14, 8, 11, 9, 6], 6, 0.3, seed=0)
    query = planted(points, points[:3], np.eye(6)[:3])
    centres = SklearnKMeans(5, n_init=10, random_state=0).fit(points).cluster_centers_
    expected = [int(np.argmin([np.linalg.norm(f - c) for f in points])) for c in centres]
    assert sorted(albench.strategy("kmeans").select(query, 5).tolist()) == sorted(expected)


def _cover_cost(points: Array, members: Array, weights: Array) -> float:
    cost = sum(w * min(np.sum((x - points[s]) ** 2) for s in members) for x, w in zip(points, weights, strict=True))
    return float(cost / weights.sum())


def test_kmeans_values_a_set_by_the_cost_with_its_members_as_centres() -> None:
    query = round64()
    seen = look(query)
    ones = np.ones(len(seen.f))
    close(albench.strategy("kmeans").score_sets(query), [-_cover_cost(seen.f, s, ones) for s in seen.sets])
    singles = [-_cover_cost(seen.f, np.array([i]), ones) for i in range(len(seen.f))]
    close(albench.strategy("kmeans").score(query), singles)


def test_clue_is_k_means_weighted_by_entropy() -> None:
    query = round64(n_pool=60)
    seen = look(query)
    entropies = np.array([-sum((q + 1e-8) * log(q + 1e-8) for q in p) for p in seen.p])
    close(albench.strategy("clue").score_sets(query), [-_cover_cost(seen.f, s, entropies) for s in seen.sets])


SIZES = [26, 18, 9, 5, 13, 7, 2]  # of clusters; five hold fewer than 20 neighbours, two are too small


def _typiclust_round() -> tuple[Query, Array, Array, int]:
    """A round of clear clusters, its points of unit norm, labelled ones first, their clusters, and how many those are.

    The small clusters have no label, and the one of 5 is the densest.
    """
    points, place = blobs(SIZES, 8, 0.2, seed=1)
    points[place == 3] += 0.8 * (points[place == 3].mean(axis=0) - points[place == 3])
    known = [int(i) for c in (0, 1, 5) for i in np.flatnonzero(place == c)[:2]][:5]
    pool = [i for i in range(len(points)) if i not in known]
    sets = np.random.default_rng(0).permuted(np.tile(np.arange(len(pool)), (40, 1)), axis=1)[:, :6]
    order = known + pool
    query = planted(points[pool], points[known], np.random.default_rng(0).normal(size=(4, 8)), sets)
    found = SklearnKMeans(len(SIZES), n_init=10, random_state=0).fit_predict(unit(points))
    assert len({(a, b) for a, b in zip(found, place, strict=True)}) == len(SIZES)
    return query, unit(points)[order], place[order], len(known)


def _mean_distance(points: Array, cluster: Array, i: int, neighbours: int) -> float:
    near = sorted(np.linalg.norm(points[i] - points[j]) for j in np.flatnonzero(cluster == cluster[i]) if j != i)
    return float(np.mean(near[:neighbours]))


@pytest.mark.parametrize("neighbours", [20, 3])
def test_typiclust_takes_the_most_typical_of_the_largest_clusters_without_labels(neighbours: int) -> None:
    query, points, cluster, n_labeled = _typiclust_round()
    labels = {c: int((cluster[:n_labeled] == c).sum()) for c in range(len(SIZES))}
    chosen: list[int] = []
    for _ in range(7):
        big = [c for c in labels if (cluster == c).sum() > 5]
        c = min(big, key=lambda c: (labels[c], -int((cluster == c).sum())))
        free = [i for i in range(n_labeled, len(points)) if cluster[i] == c and i - n_labeled not in chosen]
        chosen.append(min(free, key=lambda i: _mean_distance(points, cluster, i, neighbours)) - n_labeled)
        labels[c] += 1
    strategy = albench.strategy(f"typiclust[max_clusters=7,neighbours={neighbours}]")
    assert strategy.select(query, 7).tolist() == chosen
    assert 3 not in cluster[np.array(chosen) + n_labeled]  # 5 images without a label, and passed over
    small = albench.strategy(f"typiclust[max_clusters=7,neighbours={neighbours},min_size=4]").select(query, 3)
    assert cluster[small.numpy() + n_labeled].tolist() == [4, 2, 3]


def test_typiclust_values_a_set_by_ranks_and_by_its_members_mean_distances() -> None:
    query, points, cluster, n_labeled = _typiclust_round()
    n = len(points)
    expected = []
    for s in query.sets.numpy() + n_labeled:
        total = 0.0
        for i in s:
            mean = _mean_distance(points, cluster, i, 20)
            more = [j for j in s if cluster[j] == cluster[i] and _mean_distance(points, cluster, j, 20) < mean]
            size = int((cluster == cluster[i]).sum())
            rank = int((cluster[:n_labeled] == cluster[i]).sum()) + len(more) + (n + 1 if size <= 5 else 0)
            total += -rank * (n + 1) + size + 1 / (2 + 2 * mean)
        expected.append(total / len(s))
    close(albench.strategy("typiclust[max_clusters=7]").score_sets(query), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("width", [1.0, 0.6])
def test_max_herding_is_the_gain_in_mean_kernel_similarity(width: float) -> None:
    strategy = albench.strategy(f"max-herding[width={width}]")
    query = round64()
    seen = look(query)
    f, labeled = unit(seen.f), unit(seen.labeled_f)
    covered = [max(exp(-np.sum((x - m) ** 2) / width**2) for m in labeled) for x in f]

    def gain(members: object) -> float:
        gains = [
            max(0.0, max(exp(-np.sum((x - f[s]) ** 2) / width**2) for s in members) - c)  # type: ignore[attr-defined]
            for x, c in zip(f, covered, strict=True)
        ]
        return float(np.mean(gains))

    close(strategy.score_sets(query), [gain(s) for s in seen.sets])
    close(strategy.score(query), [gain([i]) for i in range(len(f))])
    chosen: list[int] = []
    for _ in range(4):
        rest = [i for i in range(len(f)) if i not in chosen]
        chosen.append(max(rest, key=lambda i: gain([*chosen, i])))
    assert strategy.select(query, 4).tolist() == chosen


def test_probcover_counts_what_is_newly_within_the_radius() -> None:
    query = round64()
    seen = look(query)
    f, labeled, radius = unit(seen.f), unit(seen.labeled_f), 0.6
    open_ = [x for x in f if min(np.linalg.norm(x - m) for m in labeled) >= radius]
    expected = [sum(min(np.linalg.norm(x - f[i]) for i in s) < radius for x in open_) / len(f) for s in seen.sets]
    assert 0 < max(expected) < 1
    close(albench.strategy(f"probcover[radius={radius}]").score_sets(query), expected)


@pytest.mark.parametrize("purity", [0.95, 0.8, 0.7])
def test_probcover_takes_the_largest_radius_at_which_the_wanted_share_of_balls_is_pure(purity: float) -> None:
    points, place = blobs([12, 9, 11, 8], 5, 0.35, seed=25)
    query = planted(points, points[:2], np.random.default_rng(0).normal(size=(4, 5)))
    between = _distances(unit(points), unit(points))
    found = SklearnKMeans(4, n_init=10, random_state=0).fit_predict(unit(points))
    assert len({(a, b) for a, b in zip(found, place, strict=True)}) == 4

    def pure(radius: float) -> int:
        return sum(len(set(place[row < radius])) == 1 for row in between)

    wanted = Fraction(str(purity)) * len(points)  # 0.8 of 40 balls are 32, whatever floating point makes of it
    candidates = sorted(set(between[between > 0].tolist()))
    largest = max(radius for radius in candidates if pure(radius) >= wanted)
    smaller = max(r for r in (min(row[place != c]) for row, c in zip(between, place, strict=True)) if r < largest)
    radius = albench.strategy(f"probcover[purity={purity}]")._width(query, torch.from_numpy(unit(points)))  # type: ignore[attr-defined]
    assert smaller < radius <= largest


def test_falcun_draws_by_relevance_as_the_paper_does() -> None:
    query = round64(n_classes=8, n_labeled=8, n_novel=1, set_size=1)
    p = look(query).p
    uncertainty = np.array([1 - (sorted(q)[-1] - sorted(q)[-2]) for q in p])
    close(albench.strategy("falcun").score(query), 2 * uncertainty)
    chosen: list[int] = []
    for _ in range(30):  # without chance: gamma so large that the most relevant is always drawn
        free = [i for i in range(len(p)) if i not in chosen]
        distance = [min([uncertainty[i], *(np.abs(p[i] - p[j]).sum() for j in chosen)]) for i in free]
        spread = max(distance) - min(distance)
        relevance = [uncertainty[i] + (v - min(distance)) / spread for i, v in zip(free, distance, strict=True)]
        chosen.append(free[int(np.argmax(relevance))])
    assert albench.strategy("falcun[gamma=30000]").select(query, 30).tolist() == chosen


def test_falcun_values_a_set_by_the_mean_relevance_of_greedy_picks_within_it() -> None:
    query = round64(n_pool=60, set_size=6)
    seen = look(query)
    expected = []
    for s in seen.sets:
        p = seen.p[s]
        u = np.array([1 - (sorted(q)[-1] - sorted(q)[-2]) for q in p])
        v, total, left = u.copy(), 0.0, list(range(len(s)))
        while left:
            best = max(left, key=lambda i: u[i] + v[i])
            total += u[best] + v[best]
            left.remove(best)
            v = np.minimum(v, [np.abs(q - p[best]).sum() for q in p])
        expected.append(total / len(s))
    close(albench.strategy("falcun").score_sets(query), expected)


def test_falcun_draws_in_proportion_to_the_power_of_relevance() -> None:
    query = round64(n_pool=18)
    strategy = albench.strategy("falcun[gamma=2]")
    uncertainty = np.array([1 - (sorted(q)[-1] - sorted(q)[-2]) for q in look(query).p])
    relevance = (uncertainty + (uncertainty - uncertainty.min()) / np.ptp(uncertainty)) ** 2
    first = [int(strategy.select(query, 1)) for _ in range(1500)]
    np.testing.assert_allclose(np.bincount(first, minlength=18) / 1500, relevance / relevance.sum(), atol=0.035)


@pytest.mark.parametrize(
    "name", ["coreset", "kmeans", "clue", "typiclust", "probcover", "max-herding", "uherding", "dropquery", "gp-emoc"]
)
def test_scores_and_picks_do_not_depend_on_how_much_is_computed_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = albench.strategy(name).score_sets(round64())
    picks = albench.strategy(name).select(round64(), 5)
    for module in [module for key, module in sys.modules.items() if key.startswith("albench_strategies.")]:
        if hasattr(module, "CHUNK_ELEMENTS"):
            monkeypatch.setattr(module, "CHUNK_ELEMENTS", 1)
    close(albench.strategy(name).score_sets(round64()), scores)
    assert albench.strategy(name).select(round64(), 5).tolist() == picks.tolist()
