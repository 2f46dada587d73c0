"""Strategies for discovery against their definitions, by loops."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from math import erf, exp, log, sqrt

import numpy as np
import pytest
import torch

import albench
from albench.contracts.query import Query
from tests.strategies.rounds import Array, close, look, probe64, round64


def _centres(f: Array, labeled: Array, labels: Array, n_novel: int) -> tuple[list[Array], int]:
    """Semi-supervised k-means: labelled examples stay in their class; novel centres start farthest first."""
    centres = [labeled[labels == c].mean(axis=0) for c in sorted(set(labels.tolist()))]
    n_seen = len(centres)
    for _ in range(n_novel):
        gaps = [min(np.sum((x - c) ** 2) for c in centres) if not any(x is c for c in centres) else -1 for x in f]
        centres.append(f[int(np.argmax(gaps))])
    for _ in range(10):
        members = defaultdict(list)
        for x, label in zip(labeled, labels.tolist(), strict=True):
            members[label].append(x)
        for x in f:
            members[int(np.argmin([np.sum((x - c) ** 2) for c in centres]))].append(x)
        centres = [np.mean(members[i], axis=0) if members[i] else c for i, c in enumerate(centres)]
    return centres, n_seen


def _posterior(n_novel: int) -> tuple[Array, int]:
    seen = look(round64(n_pool=60))
    centres, n_seen = _centres(seen.f, seen.labeled_f, seen.labels, n_novel)
    squares = np.array([[np.sum((x - c) ** 2) for c in centres] for x in seen.f])
    raw = np.exp(-squares / squares.min(axis=1).mean())
    return raw / raw.sum(axis=1, keepdims=True), n_seen


@pytest.mark.parametrize("n_novel", [1, 3])
def test_novelty_entropy_ranks_what_is_predicted_novel_first_and_then_by_entropy(n_novel: int) -> None:
    p, n_seen = _posterior(n_novel)
    novel = p.argmax(axis=1) >= n_seen
    assert 0 < novel.sum() < len(p)
    expected = [
        is_novel - sum(q * log(q) for q in row) / log(p.shape[1]) / 2 for is_novel, row in zip(novel, p, strict=True)
    ]
    found = albench.strategy(f"novelty-entropy[novel={n_novel}]").score(round64(n_pool=60))
    close(found, expected)


def test_novelty_margin_ranks_what_is_predicted_novel_first_and_then_by_margin() -> None:
    p, n_seen = _posterior(3)
    expected = [(np.argmax(q) >= n_seen) + (1 - (sorted(q)[-1] - sorted(q)[-2])) / 2 for q in p]
    close(albench.strategy("novelty-margin[novel=3]").score(round64(n_pool=60)), expected)


@pytest.mark.parametrize("k", [2, 7, 30, 60])
@pytest.mark.parametrize("name", ["novelty-entropy", "novelty-margin"])
def test_novelty_strategies_select_as_many_of_each_novel_class_and_fill_up_as_the_paper_does(name: str, k: int) -> None:
    p, n_seen = _posterior(3)
    if name == "novelty-entropy":
        uncertainty = [-sum(q * log(q) for q in row) for row in p]
    else:
        uncertainty = [sorted(row)[-2] - sorted(row)[-1] for row in p]
    order = sorted(range(len(p)), key=lambda i: -uncertainty[i])
    predicted = p.argmax(axis=1)
    chosen: list[int] = []
    for c in range(n_seen, n_seen + 3):
        chosen += [i for i in order if predicted[i] == c][: k // 3]
    chosen += [i for i in order if predicted[i] >= n_seen and i not in chosen][: k - len(chosen)]
    chosen += [i for i in order if i not in chosen][: k - len(chosen)]
    found = albench.strategy(f"{name}[novel=3]").select(round64(n_pool=60), k).tolist()
    assert sorted(found) == sorted(chosen)


def _later(number: int) -> Query:
    """A query of round `number`; class 1 has no initial labels, it was found in round 1."""
    probe = replace(probe64(n_pool=60), round=number)
    return replace(probe, history=(probe.labels == 1).long()).query()


def _adaptive(n_novel: int, sure: bool) -> tuple[Array, list[bool], list[float]]:
    """The predicted class of each pool example, whether it counts as novel, and what is wanted within."""
    seen = look(_later(1))
    centres, n_seen = _centres(seen.f, seen.labeled_f, seen.labels, n_novel - 1)  # one is taken by class 1
    squares = np.array([[np.sum((x - c) ** 2) for c in centres] for x in seen.f])
    raw = np.exp(-squares / squares.min(axis=1).mean())
    p = raw / raw.sum(axis=1, keepdims=True)
    margins = [sorted(q)[-1] - sorted(q)[-2] for q in p]
    predicted = p.argmax(axis=1)
    return predicted, [c == 1 or c >= n_seen for c in predicted], [m if sure else 1 - m for m in margins]


@pytest.mark.parametrize(("number", "since", "sure"), [(1, 2, True), (2, 2, False), (3, 4, True), (4, 4, False)])
def test_adaptive_novel_asks_for_the_surest_novel_first_and_for_the_uncertain_later(
    number: int, since: int, sure: bool
) -> None:
    _, novel, wanted = _adaptive(3, sure)
    assert 0 < sum(novel) < len(novel)
    strategy = albench.strategy(f"adaptive-novel[novel=3,adaptive_round={since}]")
    close(strategy.score(_later(number)), np.array(novel) + np.array(wanted) / 2)


def test_adaptive_novel_counts_a_class_that_a_query_has_found_as_novel() -> None:
    found = albench.strategy("adaptive-novel[novel=1]").score(_later(2))
    predicted, novel, _ = _adaptive(1, sure=False)
    assert (found >= 1).tolist() == novel == [c == 1 for c in predicted]
    initial = albench.strategy("adaptive-novel[novel=1]").score(round64(n_pool=60))
    assert not torch.equal(found >= 1, initial >= 1)


@pytest.mark.parametrize(("number", "sure"), [(1, True), (2, False)])
@pytest.mark.parametrize("k", [6, 9])
def test_adaptive_novel_selects_a_share_of_each_novel_class_found_or_not(number: int, sure: bool, k: int) -> None:
    predicted, novel, wanted = _adaptive(3, sure)
    classes = sorted({int(c) for c, is_novel in zip(predicted, novel, strict=True) if is_novel})
    assert 1 in classes
    assert len(classes) > 1
    ranked = {c: sorted(np.flatnonzero(predicted == c), key=lambda i: -wanted[i]) for c in classes}
    first = [int(i) for members in ranked.values() for i in members[: k // 3]]
    rest = sorted((int(i) for m in ranked.values() for i in m[k // 3 :]), key=lambda i: -wanted[i])
    expected = (first + rest)[:k]
    chosen = albench.strategy("adaptive-novel[novel=3]").select(_later(number), k)
    assert sorted(chosen.tolist()) == sorted(expected)
    assert len(albench.strategy("adaptive-novel[novel=3]").select(_later(number), 60)) == 60


def test_gp_emoc_is_the_expected_change_found_by_training_the_process_again() -> None:
    query = round64(n_pool=18)
    seen = look(query)
    labels = 2.0 * np.eye(query.n_classes)[seen.labels] - 1
    gaps = [np.sum((a - b) ** 2) for i, a in enumerate(seen.labeled_f) for b in seen.labeled_f[i + 1 :]]
    width = sorted(gaps)[(len(gaps) - 1) // 2] / 2

    def kernel(a: Array, b: Array) -> Array:
        return np.array([[exp(-np.sum((x - y) ** 2) / (2 * width)) for y in b] for x in a])

    def predict(x: Array, y: Array, at: Array) -> Array:
        return kernel(at, x) @ np.linalg.solve(kernel(x, x) + 0.1 * np.eye(len(x)), y)

    everything = np.concatenate([seen.labeled_f, seen.f])
    before = predict(seen.labeled_f, labels, everything)
    expected = []
    for f in seen.f:
        mean = predict(seen.labeled_f, labels, f[None])[0]
        k = kernel(seen.labeled_f, f[None])[:, 0]
        gram = kernel(seen.labeled_f, seen.labeled_f) + 0.1 * np.eye(len(seen.labeled_f))
        spread = sqrt(1 - k @ np.linalg.solve(gram, k) + 0.1)
        chances = np.array([(1 + erf(m / spread / sqrt(2))) / 2 for m in mean])
        total = 0.0
        for label, chance in enumerate(chances / chances.sum()):
            y = np.concatenate([labels, [2.0 * np.eye(query.n_classes)[label] - 1]])
            after = predict(np.concatenate([seen.labeled_f, f[None]]), y, everything)
            total += chance * float(np.abs(after - before).sum(axis=1).mean())
        expected.append(total)
    close(albench.strategy("gp-emoc").score(query), expected, rtol=1e-6)


def test_all_labels_wants_nothing_more_than_anything_else() -> None:
    query = round64()
    assert albench.strategy("all-labels").score(query).tolist() == [0.0] * len(query.pool)
    assert albench.strategy("all-labels").permission == "all labels"
