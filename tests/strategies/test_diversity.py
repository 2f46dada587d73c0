"""Diversity strategies against their definitions, by loops over examples."""

from __future__ import annotations

from math import exp, log

import numpy as np
import torch
from sklearn.cluster import KMeans as SklearnKMeans

import albench
from albench_strategies.numerics.geometry import kmeans
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
    query = round64(n_pool=60, set_size=6)
    seen = look(query)
    nearest, between = _distances(seen.f, seen.labeled_f).min(axis=1), _distances(seen.f, seen.f)
    expected = [
        greedy_in_set(nearest[s], lambda i, j, s=s: between[s[i], s[j]], keep_start=True)  # type: ignore[misc]
        for s in seen.sets
    ]
    close(albench.strategy("coreset").score_sets(query), expected)


def test_kmeans_finds_centres_as_good_as_scikit_learn_does() -> None:
    query = round64(n_pool=120)
    points = look(query).f
    centres, place = kmeans(query.features, 6, iterations=100)
    found = sum(float(np.sum((x - centres[c].numpy()) ** 2)) for x, c in zip(points, place.tolist(), strict=True))
    best = SklearnKMeans(6, n_init=20, random_state=0).fit(points).inertia_
    assert best - 1e-9 <= found <= 1.1 * best
    again = SklearnKMeans(6, init=centres.numpy(), n_init=1).fit(points)
    close(centres, again.cluster_centers_, rtol=1e-6)


def test_kmeans_selects_the_example_nearest_to_each_centre() -> None:
    query = round64(n_pool=60)
    centres, _ = kmeans(query.features, 5)
    expected = [int(np.argmin([np.linalg.norm(f - c) for f in look(query).f])) for c in centres.numpy()]
    assert len(set(expected)) == 5
    assert albench.strategy("kmeans").select(query, 5).tolist() == expected


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
    entropies = np.array([-sum(q * log(q) for q in p) for p in seen.p])
    close(albench.strategy("clue").score_sets(query), [-_cover_cost(seen.f, s, entropies) for s in seen.sets])
    centres, place = kmeans(query.features, 4, torch.from_numpy(entropies), iterations=100)
    for c, centre in enumerate(centres.numpy()):
        mine = place.numpy() == c
        close(torch.from_numpy(centre), np.average(seen.f[mine], axis=0, weights=entropies[mine]))
    # By the paper's code: scikit-learn's k-means with sample weights, and the example nearest to each centre.
    again = SklearnKMeans(4, init=centres.numpy(), n_init=1).fit(seen.f, sample_weight=entropies)
    close(centres, again.cluster_centers_, rtol=1e-6)


def test_typiclust_takes_the_most_typical_of_the_largest_clusters_without_labels() -> None:
    query = round64(n_pool=60, n_labeled=4)
    seen = look(query)
    points = np.concatenate([unit(seen.labeled_f), unit(seen.f)])
    _, place = kmeans(torch.from_numpy(points), 4 + 3)
    cluster = place.numpy()
    between = _distances(points, points)

    def typicality(i: int) -> float:
        others = sorted(between[i, j] for j in range(len(points)) if j != i and cluster[j] == cluster[i])[:20]
        return 1 / np.mean(others) if others and np.mean(others) > 0 else float("inf")

    labels = {c: int((cluster[:4] == c).sum()) for c in set(cluster.tolist())}
    chosen: list[int] = []
    for _ in range(3):
        open_clusters = [c for c in labels if any(cluster[i] == c and i - 4 not in chosen for i in range(4, 64))]
        c = min(open_clusters, key=lambda c: (labels[c], -int((cluster == c).sum())))
        free = [i - 4 for i in range(4, 64) if cluster[i] == c and i - 4 not in chosen]
        chosen.append(max(free, key=lambda i: typicality(i + 4)))
        labels[c] += 1
    assert sorted(albench.strategy("typiclust").select(query, 3).tolist()) == sorted(chosen)


def test_max_herding_is_the_gain_in_mean_kernel_similarity() -> None:
    query = round64()
    seen = look(query)
    f, labeled = unit(seen.f), unit(seen.labeled_f)
    covered = [max(exp(-np.sum((x - m) ** 2)) for m in labeled) for x in f]

    def gain(members: object) -> float:
        gains = [
            max(0.0, max(exp(-np.sum((x - f[s]) ** 2)) for s in members) - c)  # type: ignore[attr-defined]
            for x, c in zip(f, covered, strict=True)
        ]
        return float(np.mean(gains))

    close(albench.strategy("max-herding").score_sets(query), [gain(s) for s in seen.sets])
    close(albench.strategy("max-herding").score(query), [gain([i]) for i in range(len(f))])
    chosen: list[int] = []
    for _ in range(4):
        rest = [i for i in range(len(f)) if i not in chosen]
        chosen.append(max(rest, key=lambda i: gain([*chosen, i])))
    assert albench.strategy("max-herding").select(query, 4).tolist() == chosen


def test_probcover_counts_what_is_newly_within_the_radius() -> None:
    query = round64()
    seen = look(query)
    f, labeled, radius = unit(seen.f), unit(seen.labeled_f), 0.6
    open_ = [x for x in f if min(np.linalg.norm(x - m) for m in labeled) >= radius]
    expected = [sum(min(np.linalg.norm(x - f[i]) for i in s) < radius for x in open_) / len(f) for s in seen.sets]
    assert 0 < max(expected) < 1
    close(albench.strategy(f"probcover[radius={radius}]").score_sets(query), expected)


def test_probcover_takes_a_radius_at_which_the_wanted_share_of_balls_is_pure() -> None:
    from albench_strategies.covering import ProbCover

    query = round64(n_pool=120)
    points = unit(look(query).f)
    strategy = ProbCover(purity=0.8)
    radius = strategy._width(query, torch.from_numpy(points))
    _, place = kmeans(torch.from_numpy(points), query.n_classes)
    between = _distances(points, points)

    def pure(radius: float) -> float:
        return float(np.mean([len({int(place[j]) for j in np.flatnonzero(row < radius)}) == 1 for row in between]))

    assert pure(radius) >= 0.8
    assert pure(1.05 * radius) < 0.8


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
