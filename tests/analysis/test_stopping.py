"""When labels stop paying: the rule on agreements that are known, and on learning curves, simulated and real."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score

from albench.analysis import kappa, stability

CLASSES = 10


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 200), st.floats(0, 1))
def test_kappa_is_cohens(seed: int, n_classes: int, n: int, share: float) -> None:
    draws = np.random.default_rng(seed)
    first = draws.integers(n_classes, size=n)
    second = np.where(draws.random(n) < share, first, draws.integers(n_classes, size=n))
    if len(set(first) | set(second)) > 1:
        assert kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


def test_kappa_by_hand() -> None:
    first, second = np.repeat([0, 0, 1, 1], [20, 5, 10, 15]), np.repeat([0, 1, 0, 1], [20, 5, 10, 15])
    assert kappa(first, second) == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert kappa(first, first) == 1


def test_networks_that_see_one_class_everywhere_agree_in_nothing() -> None:
    nothing = np.zeros(100, dtype=np.int64)
    assert kappa(nothing, nothing) == 0
    assert not stability([nothing] * 6).says_stop


def flipped(truth: np.ndarray, accuracy: float, seed: int) -> np.ndarray:
    """Predictions of some accuracy; examples that are predicted wrong stay wrong while the accuracy is lower."""
    difficulty = np.random.default_rng(0).random(len(truth))
    wrong = np.random.default_rng(seed).integers(1, CLASSES, size=len(truth))
    return np.where(difficulty < accuracy, truth, (truth + wrong) % CLASSES)


TRUTH = np.random.default_rng(7).integers(CLASSES, size=2000)


def curve(rise: float, rounds: int = 12) -> list[np.ndarray]:
    return [flipped(TRUTH, 0.6 + rise * place, seed=1) for place in range(rounds)]


@pytest.mark.parametrize("rise", [0.012, 0.02, 0.03])
def test_a_curve_that_rises_is_never_stopped(rise: float) -> None:
    models = curve(rise)
    assert not any(stability(models[:count]).says_stop for count in range(1, len(models) + 1))


def test_a_curve_that_has_become_level_is_stopped_after_three_agreements() -> None:
    models = [*curve(0.03), *[flipped(TRUTH, 0.93, seed=1)] * 4]  # twelve that rise, then four like the last
    stops = [count for count in range(1, len(models) + 1) if stability(models[:count]).says_stop]
    assert stops[0] == 15, "the last of the twelve and the next three are the first four that agree"
    assert stops == [15, 16]


def test_fewer_than_three_pairs_never_stop() -> None:
    same = [TRUTH] * 4
    assert [stability(same[:count]).says_stop for count in range(1, 5)] == [False, False, False, True]
    assert math.isnan(stability(same[:3]).mean)


def test_three_agreements_count_by_their_mean() -> None:
    other = TRUTH.copy()
    other[:36] = (other[:36] + 1) % CLASSES  # kappa .98
    found = stability([TRUTH, TRUTH, TRUTH, other])
    assert found.agreements[2] == pytest.approx(0.98, abs=1e-3)
    assert found.says_stop, "(1 + 1 + .98) / 3 is over .99"
    assert not stability([TRUTH, TRUTH, other, TRUTH]).says_stop
    assert stability([TRUTH, TRUTH, other, TRUTH], threshold=0.98).says_stop


def test_on_a_real_learning_curve_stopping_costs_little_accuracy_and_saves_labels() -> None:
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    x, y = bunch.data[order] / 16, bunch.target[order]
    test, stop_set, pool = slice(0, 400), slice(400, 900), slice(900, None)
    accuracy, predictions, says_stop = [], [], []
    for n in range(20, 880, 20):
        model = LogisticRegression(max_iter=2000).fit(x[pool][:n], y[pool][:n])
        accuracy.append(model.score(x[test], y[test]))
        predictions.append(model.predict(x[stop_set]))
        says_stop.append(stability(predictions).says_stop)
    first = says_stop.index(True)
    assert accuracy[0] < 0.8, "the curve has something to rise"
    assert accuracy[first] > accuracy[-1] - 0.015
    assert accuracy[first] > accuracy[0] + 0.1
    assert 8 < first < len(accuracy) - 8, "labels are saved"
