from __future__ import annotations

import math

import pandas as pd
import pytest

from albench.analysis.savings import default_target, labels_to_target, median_labels, savings, targets


def curves(heights: dict[tuple[str, int], list[float]], step: int = 25, initial: int = 100) -> pd.DataFrame:
    rows = [
        ("digits", name, seed, number, initial + step * number, accuracy)
        for (name, seed), own in heights.items()
        for number, accuracy in enumerate(own)
    ]
    return pd.DataFrame(rows, columns=["setting", "strategy", "seed", "round", "n_labeled", "accuracy"])


def test_labels_to_a_target_are_queried_ones_up_to_the_first_round_that_reaches_it() -> None:
    found = labels_to_target(curves({("emoc", 0): [0.4, 0.5, 0.6, 0.55, 0.7]}), 0.6).iloc[0]
    assert (found["n_queried"], found["n_budget"]) == (50, 100)


def test_a_saving_is_one_minus_the_ratio_at_the_same_seed() -> None:
    labels = labels_to_target(
        curves({("emoc", 0): [0.4, 0.6, 0.7], ("random", 0): [0.4, 0.5, 0.6],
                ("emoc", 1): [0.4, 0.6, 0.6], ("random", 1): [0.4, 0.6, 0.6]}), 0.6
    )  # fmt: skip
    one = savings(labels, "random").iloc[0]
    assert one["saving"] == one["median_low"] == one["median_high"] == pytest.approx(0.25)
    assert (one["n_pairs"], one["n_censored"]) == (2, 0)


def test_a_reference_that_never_gets_there_is_censored_and_bounds_the_saving_from_below() -> None:
    labels = labels_to_target(curves({("emoc", 0): [0.4, 0.6, 0.7], ("random", 0): [0.4, 0.5, 0.5]}), 0.6)
    one = savings(labels, "random").iloc[0]
    assert (one["n_pairs"], one["n_censored"]) == (1, 1)
    assert math.isnan(one["saving"])
    assert (one["median_low"], one["median_high"]) == (0.5, 1)


def test_a_strategy_that_never_gets_there_is_censored_and_bounds_the_saving_from_above() -> None:
    labels = labels_to_target(curves({("max", 0): [0.4, 0.5, 0.5], ("random", 0): [0.4, 0.6, 0.6]}), 0.6)
    one = savings(labels, "random").iloc[0]
    assert one["median_high"] == -1
    assert one["median_low"] == -math.inf


def test_one_censored_seed_of_three_leaves_the_median_known() -> None:
    labels = labels_to_target(
        curves({("emoc", s): [0.4, 0.6, 0.7] for s in range(3)} | {("random", 0): [0.4, 0.5, 0.5], ("random", 1): [0.4, 0.5, 0.6],
                ("random", 2): [0.4, 0.5, 0.6]}), 0.6
    )  # fmt: skip
    one = savings(labels, "random").iloc[0]
    assert one["n_censored"] == 1
    assert one["median_low"] == one["median_high"] == 0.5
    medians = median_labels(labels).set_index("strategy")
    assert medians.loc["random", "median_labels"] == 50
    assert medians.loc["random", "n_reached"] == 2


def test_the_median_of_labels_is_unknown_where_half_of_the_seeds_do_not_get_there() -> None:
    labels = labels_to_target(curves({("random", 0): [0.4, 0.6], ("random", 1): [0.4, 0.5]}), 0.6)
    assert math.isnan(median_labels(labels).iloc[0]["median_labels"])


def test_a_seed_that_starts_at_the_target_says_nothing_about_savings() -> None:
    labels = labels_to_target(curves({("emoc", 0): [0.7, 0.8], ("random", 0): [0.7, 0.8]}), 0.6)
    assert savings(labels, "random").iloc[0]["n_pairs"] == 0


def test_targets_are_round_and_lie_between_start_and_best() -> None:
    found = targets(curves({("emoc", 0): [0.42, 0.6, 0.71], ("random", 0): [0.42, 0.5, 0.6]}))
    assert found == [0.45, 0.5, 0.55, 0.6, 0.65, 0.7]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.5, 0.57, [0.52, 0.54, 0.56]),
        (0.5, 0.535, [0.51, 0.52, 0.53]),
        (0.5, 0.516, [0.505, 0.51, 0.515]),
        (0.5, 0.51, [0.505, 0.51]),
        (0.5, 0.504, []),
        (0.35, 0.5, [0.4, 0.45, 0.5]),  # 0.35 / 0.05 is a little less than 7
        (0.02, 0.99, [round(0.05 * place, 2) for place in range(8, 20)]),
    ],
)
def test_targets_are_as_far_apart_as_leaves_three_and_twelve_at_most(
    low: float, high: float, expected: list[float]
) -> None:
    assert targets(curves({("random", 0): [low, high]})) == expected


def test_a_narrow_range_gets_finer_targets() -> None:
    assert targets(curves({("emoc", 0): [0.501, 0.535]})) == [0.51, 0.52, 0.53]


def test_no_rounds_give_no_targets() -> None:
    assert targets(curves({})) == []


def test_a_target_lies_above_where_every_seed_starts_not_only_their_mean() -> None:
    heights = {("random", 0): [0.2, 0.5], ("random", 1): [0.44, 0.6], ("emoc", 0): [0.2, 0.6], ("emoc", 1): [0.44, 0.6]}
    assert targets(curves(heights)) == [0.45, 0.5, 0.55, 0.6]


def test_a_start_above_what_any_strategys_mean_reaches_leaves_no_target() -> None:
    assert targets(curves({("random", 0): [0.2, 0.3], ("random", 1): [0.6, 0.6]})) == []


def test_the_default_target_is_the_highest_that_all_seeds_of_the_reference_reach() -> None:
    heights = {("random", 0): [0.4, 0.5, 0.61], ("random", 1): [0.4, 0.5, 0.56], ("emoc", 0): [0.4, 0.6, 0.7]}
    assert default_target(curves(heights), "random") == 0.55


def test_where_the_references_seeds_have_no_target_in_common_half_of_them_decide() -> None:
    heights = {("random", 0): [0.2, 0.5, 0.6], ("random", 1): [0.2, 0.22, 0.23]}
    assert default_target(curves(heights), "random") == 0.4


def test_a_reference_that_never_improves_has_no_default_target() -> None:
    assert default_target(curves({("random", 0): [0.4, 0.3], ("emoc", 0): [0.4, 0.7]}), "random") is None
