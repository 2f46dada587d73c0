from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albench.analysis.pairs import compare, differences, round_differences
from albench.analysis.ranks import rank_groups
from tests.reports.synthetic import Synthetic

SEEDS = (0, 1, 2, 3)


def table(values: dict[str, dict[int, float]], setting: str = "digits") -> pd.DataFrame:
    rows = [(setting, name, seed, value) for name, own in values.items() for seed, value in own.items()]
    return pd.DataFrame(rows, columns=["setting", "strategy", "seed", "area"])


def test_a_difference_is_taken_at_the_same_seed() -> None:
    found = compare(table({"random": {0: 0.5, 1: 0.6, 2: 0.4}, "emoc": {0: 0.52, 1: 0.63, 2: 0.43}}), "area", "random")
    one = found.iloc[0]
    assert one["strategy"] == "emoc"
    assert one["n_pairs"] == 3
    assert one["difference"] == pytest.approx(0.08 / 3)
    assert (one["wins"], one["ties"], one["losses"]) == (3, 0, 0)


def test_a_seed_at_which_both_are_equal_is_a_tie_and_no_win() -> None:
    values = table({"random": {0: 0.5, 1: 0.6, 2: 0.4, 3: 0.7}, "emoc": {0: 0.5, 1: 0.7, 2: 0.3, 3: 0.8}})
    one = compare(values, "area", "random").iloc[0]
    assert (one["wins"], one["ties"], one["losses"]) == (2, 1, 1)


@settings(deadline=None)
@given(st.permutations(range(8)))
def test_the_order_of_rows_changes_nothing(order: list[int]) -> None:
    values = table({"random": dict(zip(SEEDS, (0.5, 0.6, 0.4, 0.45), strict=True)),
                    "emoc": dict(zip(SEEDS, (0.55, 0.61, 0.39, 0.5), strict=True))})  # fmt: skip
    expected = compare(values, "area", "random")
    found = compare(values.iloc[order], "area", "random")
    pd.testing.assert_frame_equal(found, expected)


def test_a_seed_that_lacks_its_pair_is_named_and_not_counted() -> None:
    values = table({"random": {0: 0.5, 1: 0.6}, "emoc": {1: 0.7, 5: 0.9}})
    one = compare(values, "area", "random").iloc[0]
    assert (one["n_pairs"], one["missing_pairs"], one["missing_seeds"]) == (1, 2, "0 and 5")
    assert one["difference"] == pytest.approx(0.1)
    assert math.isnan(one["difference_low"])


def test_a_missing_value_is_a_missing_pair() -> None:
    values = table({"random": {0: 0.5, 1: math.nan}, "emoc": {0: 0.6, 1: 0.7}})
    assert compare(values, "area", "random").iloc[0]["n_pairs"] == 1


def test_without_the_reference_every_pair_is_missing() -> None:
    one = compare(table({"emoc": {0: 0.5, 1: 0.6}}), "area", "random").iloc[0]
    assert (one["n_pairs"], one["missing_pairs"]) == (0, 2)
    assert np.isnan(one["difference"])


def test_settings_are_compared_apart() -> None:
    values = pd.concat(
        [table({"random": {0: 0.5}, "emoc": {0: 0.6}}), table({"random": {0: 0.5}, "emoc": {0: 0.4}}, setting="cifar")]
    )
    found = differences(values, "area", "random").set_index("setting")["difference"]
    assert found["digits"] == pytest.approx(0.1)
    assert found["cifar"] == pytest.approx(-0.1)


def test_the_reference_alone_has_nothing_to_be_compared_with() -> None:
    assert compare(table({"random": {0: 0.5}}), "area", "random").empty


def test_differences_at_each_round_join_on_setting_seed_and_round(tmp_path: Path) -> None:
    rounds = Synthetic(scenarios=("digits", "cifar100"), missing={("min", 1): ""}).results(tmp_path).rounds
    found = round_differences(rounds.sample(frac=1, random_state=0), "random")
    by_hand = {
        (one.setting, one.strategy, one.seed, one.round): one.accuracy - other.accuracy
        for one in rounds.itertuples()
        for other in rounds.itertuples()
        if one.strategy != "random"
        and other.strategy == "random"
        and (one.setting, one.seed, one.round) == (other.setting, other.seed, other.round)
    }
    keys = zip(found["setting"], found["strategy"], found["seed"], found["round"], strict=True)
    assert dict(zip(keys, found["difference"], strict=True)) == pytest.approx(by_hand)
    assert ("digits", "min", 1, 0) not in by_hand


@pytest.mark.parametrize("apart", [1e-3, 1e-5, 1e-9])
def test_the_same_small_difference_of_large_values_at_every_seed_tells_nothing(apart: float) -> None:
    """Their rounding would else pass for variance: .61234 + 1e-5 - .61234 is not 1e-5 in its last digits."""
    starts = np.array([0.0, *np.geomspace(0.01, 0.9, 8)])  # the largest is what counts
    values = table({"random": dict(enumerate(starts)), "emoc": dict(enumerate(starts + apart))})
    assert len(set((starts + apart) - starts)) > 1
    row = compare(values, "area", "random").iloc[0]
    assert (row["verdict"], row["difference_sd"]) == ("", 0.0)
    assert set(rank_groups(values, "area")["group"]) == {"a"}
