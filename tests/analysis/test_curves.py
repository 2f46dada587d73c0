from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from albench.analysis.curves import area, areas, comparable, mean_curves
from albench.analysis.intervals import MeanInterval
from tests.reports.synthetic import Synthetic


def test_the_area_is_the_trapezoidal_sum_divided_by_the_budget() -> None:
    assert area([100, 125, 175], [0.2, 0.4, 0.4]) == pytest.approx((0.3 * 25 + 0.4 * 50) / 75)


@given(arrays(float, 6, elements=st.floats(0, 1)), st.lists(st.integers(1, 50), min_size=5, max_size=5))
def test_the_area_is_numpys_trapezoid_over_the_budget_and_between_the_extremes(
    heights: np.ndarray, steps: list[int]
) -> None:
    budget = np.cumsum([100, *steps])
    found = area(budget, heights)
    assert found == pytest.approx(np.trapezoid(heights, budget) / (budget[-1] - budget[0]))
    assert heights.min() - 1e-12 <= found <= heights.max() + 1e-12


def test_areas_of_cells_are_those_of_their_curves(tmp_path: Path) -> None:
    rounds = Synthetic().results(tmp_path).rounds
    found = areas(rounds.sample(frac=1, random_state=1)).set_index(["strategy", "seed"])
    for (strategy, seed), own in rounds.groupby(["strategy", "seed"]):
        expected = np.trapezoid(own["accuracy"], own["n_labeled"]) / (own["n_labeled"].max() - own["n_labeled"].min())
        assert found.loc[(strategy, seed), "accuracy_area"] == pytest.approx(expected)
        assert found.loc[(strategy, seed), "accuracy_final"] == own["accuracy"].iloc[-1]


def test_the_area_of_a_single_round_is_its_height() -> None:
    assert area([100], [0.3]) == 0.3


def test_curves_of_unequal_length_are_compared_over_the_rounds_that_all_have(tmp_path: Path) -> None:
    rounds = Synthetic(rounds=6).results(tmp_path).rounds
    shorter = rounds[~((rounds["strategy"] == "emoc") & (rounds["seed"] == 1) & (rounds["round"] > 4))]
    assert comparable(shorter)["round"].max() == 4
    whole = areas(rounds[rounds["round"] <= 4]).set_index(["strategy", "seed"])["accuracy_area"]
    found = areas(shorter).set_index(["strategy", "seed"])["accuracy_area"]
    assert found.to_dict() == pytest.approx(whole.to_dict())


def test_a_mean_curve_is_the_mean_over_seeds_of_each_round_with_its_interval(tmp_path: Path) -> None:
    rounds = Synthetic(seeds=range(5)).results(tmp_path).rounds
    curves = mean_curves(rounds)
    one = curves[(curves["strategy"] == "emoc") & (curves["metric"] == "accuracy") & (curves["round"] == 3)].iloc[0]
    values = rounds[(rounds["strategy"] == "emoc") & (rounds["round"] == 3)]["accuracy"]
    expected = MeanInterval.of(values)
    assert (one["mean"], one["low"], one["high"]) == pytest.approx((expected.mean, expected.low, expected.high))
    assert (one["n_seeds"], one["n_labeled"]) == (5, 115)


def test_one_seed_gives_a_curve_without_a_band(tmp_path: Path) -> None:
    curves = mean_curves(Synthetic(seeds=[4]).results(tmp_path).rounds)
    assert curves["low"].isna().all()
    assert curves["mean"].notna().all()
