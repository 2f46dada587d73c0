from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from albench.analysis.intervals import (
    MeanInterval,
    columns_mean,
    paired_t_columns,
    paired_t_p,
    power_of_detectable,
    smallest_detectable,
    words,
)

DIFFERENCES = np.array([0.011, 0.004, 0.019, 0.008, 0.013, -0.002, 0.016, 0.009, 0.012])


def test_the_interval_of_a_mean_is_scipys() -> None:
    one = MeanInterval.of(DIFFERENCES)
    expected = stats.ttest_1samp(DIFFERENCES, 0).confidence_interval(0.95)
    assert (one.low, one.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert one.mean == pytest.approx(DIFFERENCES.mean())


def test_the_paired_p_value_is_scipys() -> None:
    a, b = DIFFERENCES + 0.3, np.full(9, 0.3)
    assert paired_t_p(a - b) == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9)


def test_equal_values_in_every_pair_are_a_tie() -> None:
    assert paired_t_p(np.zeros(5)) == 1
    one = MeanInterval.of(np.zeros(5))
    assert (one.mean, one.low, one.high) == (0, 0, 0)


def test_a_constant_difference_has_no_spread_although_it_is_not_exact_in_binary() -> None:
    differences = np.array([0.3, 0.4, 0.7]) - np.array([0.2, 0.3, 0.6])
    assert len(set(differences)) > 1
    assert MeanInterval.of(differences).deviation == 0


def test_one_value_has_a_mean_and_no_interval() -> None:
    one = MeanInterval.of([0.5])
    assert one.mean == 0.5
    assert math.isnan(one.low)
    assert math.isnan(paired_t_p([0.5]))


def test_missing_values_are_left_out_and_counted_out() -> None:
    one = MeanInterval.of([0.5, math.nan, 0.7])
    assert (one.count, one.mean) == (2, pytest.approx(0.6))
    assert MeanInterval.of([math.nan]).count == 0


def test_nine_pairs_detect_about_1_07_standard_deviations() -> None:
    assert smallest_detectable(1.0, 9) == pytest.approx((2.306004 + 0.888890) / 3, rel=1e-5)
    assert power_of_detectable(9) == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_a_planted_effect_of_the_smallest_detectable_size_is_found_with_the_stated_power(count: int) -> None:
    draws = np.random.default_rng(7)
    samples = draws.standard_normal((20_000, count)) + smallest_detectable(1.0, count)
    found = np.mean(stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05)
    assert found == pytest.approx(power_of_detectable(count), abs=0.012)  # four standard errors


def test_columns_are_summarised_like_single_means() -> None:
    values = np.random.default_rng(0).normal(size=(6, 4))
    values[2, 1] = math.nan
    table = columns_mean(values)
    for place in range(4):
        one = MeanInterval.of(values[:, place])
        found = [table[name][place] for name in ("mean", "low", "high", "count")]
        assert found == pytest.approx([one.mean, one.low, one.high, one.count], rel=1e-12)


def test_columns_are_tested_like_single_differences_and_not_at_all_without_variance() -> None:
    values = np.random.default_rng(0).normal(0.4, 1, size=(7, 6))
    values[2:4, 1] = np.nan
    values[:, 2] -= 2
    values[1:, 3] = np.nan
    values[:, 4] = [0.3 - 0.2, 0.4 - 0.3, 0.7 - 0.6, 0.1, 0.1, 0.1, 0.1]  # equal but for rounding
    p, sign = paired_t_columns(values)
    for column in (0, 1, 2, 5):
        assert p[column] == pytest.approx(paired_t_p(values[:, column]), rel=1e-12)
    assert np.isnan(p[[3, 4]]).all()
    for scale in (1e-7, 1e7):
        np.testing.assert_allclose(paired_t_columns(scale * values)[0], p, rtol=1e-9)
    assert list(sign) == list(np.sign(np.nanmean(values, axis=0)))


def test_a_list_in_words_ends_with_and() -> None:
    assert words([]) == ""
    assert words([3]) == "3"
    assert words([1, 2, 3]) == "1, 2 and 3"
    assert words(range(20), limit=4) == "0, 1, 2 and 17 more"
