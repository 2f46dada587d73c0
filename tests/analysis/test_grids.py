from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from albench.analysis import penalties
from albench.analysis.grids import grids, stacked


def rounds_of(cells: dict[tuple[str, int], list[int]]) -> pd.DataFrame:
    rows = [
        {"setting": "s", "strategy": strategy, "seed": seed, "round": number, "accuracy": seed + number / 10}
        for (strategy, seed), numbers in cells.items()
        for number in numbers
    ]
    return pd.DataFrame(rows)


def test_rows_in_any_order_become_seeds_by_rounds_and_what_a_cell_lacks_is_nan() -> None:
    rounds = rounds_of({("b", 7): [2, 0, 1], ("a", 0): [0, 1], ("b", 3): [0, 2]})
    found = grids(rounds, ["accuracy"])
    assert list(found) == [("s", "b"), ("s", "a")]
    assert found["s", "b"].seeds.tolist() == [3, 7]
    assert found["s", "b"].rounds.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(found["s", "b"]["accuracy"], [[3.0, np.nan, 3.2], [7.0, 7.1, 7.2]])
    np.testing.assert_array_equal(found["s", "a"]["accuracy"], [[0.0, 0.1]])


def test_a_cell_with_a_round_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="a cell has a round twice"):
        grids(rounds_of({("a", 0): [0, 1, 1]}), ["accuracy"])


def test_what_two_strategies_have_in_common_is_a_part_of_each() -> None:
    found = grids(rounds_of({("a", 1): [0, 1], ("a", 2): [0, 1], ("b", 2): [1, 2], ("b", 4): [1, 2]}), ["accuracy"])
    here, there = found["s", "a"].common(found["s", "b"])
    assert found["s", "a"]["accuracy"][here].tolist() == [[2.1]]
    assert found["s", "b"]["accuracy"][there].tolist() == [[2.1]]
    assert not found["s", "a"].is_alike(found["s", "b"])


def test_penalties_of_strategies_with_other_seeds_are_those_of_the_seeds_that_both_have() -> None:
    draws = np.random.default_rng(0)
    rounds = rounds_of({(name, seed): [0, 1, 2, 3] for name in "abc" for seed in range(6)})
    rounds["accuracy"] = draws.normal(size=len(rounds)) + (rounds["strategy"] == "a")
    fewer = rounds[(rounds["strategy"] != "b") | (rounds["seed"] > 1)]
    keys = ["strategy", "other"]
    found = penalties(fewer).set_index(keys)["share"]
    both = penalties(rounds[rounds["seed"] > 1]).set_index(keys)["share"]
    whole = penalties(rounds).set_index(keys)["share"]
    assert found["a", "b"] == both["a", "b"]
    assert found["c", "b"] == both["c", "b"]
    assert found["a", "c"] == whole["a", "c"]


def test_pieces_of_a_frame_keep_their_order_and_one_value_serves_all_rows_of_a_piece() -> None:
    pieces = [{"name": "x", "value": np.array([1, 2])}, {"name": "y", "value": np.array([], dtype=np.int64)}]
    frame = stacked([*pieces, {"name": "z", "value": np.array([3])}], ["name", "value"])
    assert frame.to_dict("list") == {"name": ["x", "x", "z"], "value": [1, 2, 3]}
    assert stacked([], ["name"]).columns.tolist() == ["name"]
