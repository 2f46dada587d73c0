from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats

from albench.analysis.blocks import block_table, block_test


def table(n: int = 8, k: int = 4, seed: int = 0, digits: int = 6) -> pd.DataFrame:
    draws = np.random.default_rng(seed)
    values = np.round(draws.normal(size=(n, k)) + np.linspace(0, 1.5, k), digits)
    return pd.DataFrame(values, columns=list("abcdefgh"[:k]))


@pytest.mark.parametrize("digits", [6, 0], ids=["without ties", "with ties"])
def test_friedmans_test_is_scipys(digits: int) -> None:
    values = table(digits=digits)
    found = block_test(values)
    expected = stats.friedmanchisquare(*(values[name] for name in values))
    assert found is not None
    assert found.chi_square == pytest.approx(expected.statistic)
    assert found.p_friedman == pytest.approx(expected.pvalue)


def test_iman_and_davenports_f_is_that_of_an_analysis_of_variance_of_ranks() -> None:
    values = table()
    found = block_test(values)
    assert found is not None
    n, k = values.shape
    ranks = values.rank(axis=1).to_numpy()
    between = n * ((ranks.mean(axis=0) - ranks.mean()) ** 2).sum()
    rows = k * ((ranks.mean(axis=1) - ranks.mean()) ** 2).sum()
    rest = ((ranks - ranks.mean()) ** 2).sum() - between - rows
    assert found.f == pytest.approx((between / (k - 1)) / (rest / ((n - 1) * (k - 1))))
    assert found.p_iman_davenport == pytest.approx(stats.f.sf(found.f, k - 1, (n - 1) * (k - 1)))


def test_ranks_differ_by_more_than_the_critical_difference_where_nemenyis_p_is_below_a_twentieth() -> None:
    for seed in range(5):
        values = table(n=9, k=6, seed=seed)
        found = block_test(values)
        assert found is not None
        p = scikit_posthocs.posthoc_nemenyi_friedman(values)
        for first in values:
            for second in values:
                if first != second:
                    apart = abs(found.mean_ranks[first] - found.mean_ranks[second]) > found.critical_difference
                    assert apart == (p.loc[first, second] < 0.05)


def test_the_critical_difference_is_demsars() -> None:
    found = block_test(table(n=14, k=4))
    assert found is not None
    assert found.critical_difference == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 14)), rel=1e-3)  # his table 5


def test_groups_hold_every_strategy_that_is_too_near_to_tell_apart() -> None:
    found = block_test(table(n=9, k=5, seed=2))
    assert found is not None
    ranks = found.mean_ranks
    for group in found.groups():
        assert max(ranks[group]) - min(ranks[group]) < found.critical_difference
    near = {
        frozenset((a, b))
        for a in ranks.index
        for b in ranks.index
        if a != b and abs(ranks[a] - ranks[b]) < found.critical_difference
    }
    assert near == {frozenset((a, b)) for group in found.groups() for a in group for b in group if a != b}


def test_fewer_than_five_settings_or_two_strategies_give_no_test() -> None:
    assert block_test(table(n=4)) is None
    assert block_test(table(k=1)) is None
    found = block_test(table(n=5, k=2))
    assert found is not None
    assert found.n_blocks == 5


def test_equal_results_everywhere_are_no_evidence() -> None:
    found = block_test(pd.DataFrame(np.ones((6, 3)), columns=list("abc")))
    assert found is not None
    assert found.p_friedman == 1


def test_blocks_are_settings_and_seeds_are_averaged_within_them() -> None:
    rows = [
        (f"setting {s}", name, seed, 10 * s + seed + (name == "b"))
        for s in range(5) for name in "ab" for seed in range(3)
    ]  # fmt: skip
    cells = pd.DataFrame(rows, columns=["setting", "strategy", "seed", "area"])
    found = block_table(cells, "area")
    assert found.shape == (5, 2)
    assert found.loc["setting 2", "b"] == 22


def test_a_setting_that_a_strategy_lacks_is_no_block() -> None:
    cells = pd.DataFrame(
        [("s", "a", 0, 1.0), ("s", "b", 0, 2.0), ("t", "a", 0, 1.0)], columns=["setting", "strategy", "seed", "area"]
    )
    assert list(block_table(cells, "area").index) == ["s"]
