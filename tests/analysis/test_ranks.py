from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from albench.analysis.ranks import letters, rank_groups, told_apart

NAMES = "abcdefgh"


def table(values: np.ndarray) -> pd.DataFrame:
    """Cells of a setting from (N seeds, k) values."""
    rows = [("s", NAMES[j], i, values[i, j]) for i in range(len(values)) for j in range(values.shape[1])]
    frame = pd.DataFrame(rows, columns=["setting", "strategy", "seed", "area"])
    return frame[frame["area"].notna()]


def by_hand(values: np.ndarray) -> dict[tuple[int, int], bool]:
    """Which pairs scipy's paired t tests tell apart after statsmodels' correction by Holm."""
    pairs = list(combinations(range(values.shape[1]), 2))
    p = [stats.ttest_rel(values[:, i], values[:, j], nan_policy="omit").pvalue for i, j in pairs]
    return dict(zip(pairs, multipletests(p, method="holm")[0], strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_ranks_are_those_that_scipys_tests_and_statsmodels_correction_tell_apart(seed: int) -> None:
    draws = np.random.default_rng(seed)
    values = draws.normal(size=(9, 1)) + draws.normal(size=(9, 6)) * 0.3 + np.linspace(0, 2, 6)
    values[0, 2] = np.nan
    found = rank_groups(table(values), "area").set_index("strategy")
    apart = by_hand(values)
    for i, name in enumerate(NAMES[:6]):
        others = [j for j in range(6) if j != i]
        told = {j: apart[min(i, j), max(i, j)] for j in others}
        ahead = [j for j in others if told[j] and np.nanmean(values[:, j] - values[:, i]) > 0]
        behind = [j for j in others if told[j] and np.nanmean(values[:, j] - values[:, i]) < 0]
        assert found.loc[name, "rank_low"] == 1 + len(ahead)
        assert found.loc[name, "rank_high"] == 6 - len(behind)
        for j in others:
            if not set(found.loc[name, "group"]) & set(found.loc[NAMES[j], "group"]):
                assert told[j]


Drawn = tuple[int, list[bool]]
MATRICES = st.integers(1, 8).flatmap(
    lambda k: st.tuples(st.just(k), st.lists(st.booleans(), min_size=k * k, max_size=k * k))
)


@given(MATRICES)
def test_two_are_in_no_common_group_where_all_before_are_better_than_all_after(drawn: Drawn) -> None:
    k, flat = drawn
    better = np.triu(np.array(flat).reshape(k, k), 1)
    groups = [set(re.findall(r"[a-z]\d*", text)) for text in letters(better)]
    for i, j in combinations(range(k), 2):
        apart = all(better[a, b] for a in range(i + 1) for b in range(j, k))
        assert bool(groups[i] & groups[j]) == (not apart)
    assert "a" in groups[0]
    for one, other in combinations(set().union(*groups), 2):  # no group lies within another one
        members = [{i for i in range(k) if name in groups[i]} for name in (one, other)]
        assert not members[0] <= members[1]
        assert not members[1] <= members[0]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_where_the_order_tells_all_the_letters_say_exactly_who_is_told_apart(steps: list[int]) -> None:
    heights = -np.cumsum(steps)  # told apart where two or more lie between
    better = heights[:, None] - heights > 2
    groups = [set(text) for text in letters(better)]
    for i, j in combinations(range(len(steps)), 2):
        assert bool(groups[i] & groups[j]) == (not better[i, j])


def test_one_noisy_strategy_does_not_need_a_letter_for_each_pair() -> None:
    draws = np.random.default_rng(0)
    values = draws.normal(size=(5, 1)) + draws.normal(size=(5, 41)) + draws.normal(size=41) * 3
    groups = rank_groups(
        pd.DataFrame(values)
        .reset_index(names="seed")
        .melt("seed", var_name="strategy", value_name="area")
        .assign(setting="s"),
        "area",
    )
    assert len(set("".join(groups["group"]))) <= 41
    assert groups["group"].str.len().max() <= 12


def test_two_hundred_strategies_that_all_differ_have_two_hundred_letters() -> None:
    found = letters(np.triu(np.ones((200, 200), dtype=bool), 1))
    assert len(set(found)) == 200
    assert found[:2] == ["a", "b"]
    assert found[26] == "a1"


def test_one_seed_or_equal_differences_tell_nothing_apart() -> None:
    assert not told_apart(np.array([[0.1, 0.9]])).any()
    assert not told_apart(np.array([[0.1, 0.9], [0.2, 1.0], [0.3, 1.1]])).any()
    found = rank_groups(table(np.array([[0.1, 0.9, 0.5]])), "area")
    assert set(found["group"]) == {"a"}
    assert (set(found["rank_low"]), set(found["rank_high"])) == ({1}, {3})


def test_who_is_better_depends_on_the_seeds_of_both_and_not_on_the_order_of_strategies() -> None:
    values = np.array(
        [[0.90, 0.95], [0.10, 0.14], [0.12, 0.17], [0.11, 0.16], [np.nan, 0.0]]
    )  # the mean of all misleads
    assert told_apart(values).tolist() == [[False, False], [True, False]]
    assert told_apart(values[:, ::-1]).tolist() == [[False, True], [False, False]]
    found = rank_groups(table(values), "area").set_index("strategy")
    assert found.index.tolist() == ["a", "b"]
    assert found["rank_low"].to_dict() == found["rank_high"].to_dict() == {"a": 2, "b": 1}


def test_strategies_without_a_common_seed_are_not_told_apart() -> None:
    values = np.full((6, 2), np.nan)
    values[:3, 0], values[3:, 1] = [0.1, 0.11, 0.12], [0.9, 0.91, 0.92]
    assert list(rank_groups(table(values), "area")["group"]) == ["a", "a"]
