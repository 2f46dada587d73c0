"""Claims and intervals on results whose truth is known: neither wrong more often than stated, nor far too careful.

`benchmarks/statistics.py` does the same with thousands of studies of every kind.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from albench.analysis import compare, savings
from albench.analysis.intervals import SHARE, MeanInterval, critical, paired_t_columns, smallest_detectable
from albench.analysis.ranks import told_apart
from albench.analysis.savings import sign_test_place

STUDIES = 600
ERROR = 3 * np.sqrt(0.05 * 0.95 / STUDIES)  # three standard errors of a share of .05


def studies(k: int, n: int, lead: float = 0.0) -> np.ndarray:
    """(STUDIES, n, k) areas; the first strategy is the reference, the second leads by so much."""
    draws = np.random.default_rng([k, n])
    values = 0.5 + 0.05 * draws.normal(size=(STUDIES, n, 1)) + 0.01 * draws.normal(size=(STUDIES, n, k))
    values[:, :, 1] += lead
    return values


def compared(values: np.ndarray) -> pd.DataFrame:
    setting, seed, strategy = np.indices(values.shape).reshape(3, -1)
    frame = pd.DataFrame({"setting": setting, "strategy": strategy, "seed": seed, "area": values.ravel()})
    return compare(frame.astype({"setting": str, "strategy": str}), "area", "0")


def test_a_study_without_any_difference_makes_a_claim_at_most_once_in_twenty() -> None:
    found = compared(studies(5, 5))
    claims = (found["verdict"] != "").groupby(found["setting"]).any().mean()
    assert 0.05 - ERROR - 0.012 < claims < 0.05 + ERROR  # Bonferroni's is a little below .05
    assert set(found.loc[found["verdict"] != "", "verdict"]) == {"leads", "trails"}


def test_leads_of_twice_the_detectable_difference_are_claimed_among_twelve_at_five_seeds() -> None:
    lead = 2 * smallest_detectable(0.01 * np.sqrt(2), 5)
    found = compared(studies(12, 5, lead)[:200])
    claimed = (found.loc[found["strategy"] == "1", "verdict"] == "leads").mean()
    assert claimed > 0.78 - 3 * np.sqrt(0.8 * 0.2 / 200)


def test_two_strategies_are_wrongly_told_apart_at_most_once_in_twenty_studies() -> None:
    share = np.mean([told_apart(values).any() for values in studies(5, 5)])
    assert 0.05 - ERROR - 0.012 < share < 0.05 + ERROR


def test_the_p_of_all_together_is_scipys_times_their_number_and_below_a_twentieth_exactly_for_claims() -> None:
    values = studies(4, 6, 0.01)[:40]
    found = compared(values).set_index(["setting", "strategy"])
    for number, study in enumerate(values):
        for strategy in range(1, 4):
            row = found.loc[(str(number), str(strategy))]
            test = stats.ttest_rel(study[:, strategy], study[:, 0])
            assert row["p_simultaneous"] == pytest.approx(min(1, 3 * test.pvalue))
            assert (row["p_simultaneous"] < 0.05) == (row["verdict"] != "")
            interval = test.confidence_interval(1 - 0.05 / 3)
            assert (row["difference_low"], row["difference_high"]) == pytest.approx(tuple(interval))
    p, sign = paired_t_columns((values[:, :, 1] - values[:, :, 0]).T)
    np.testing.assert_allclose(np.minimum(1, 3 * p), found.xs("1", level="strategy")["p_simultaneous"])
    assert (sign == np.sign(found.xs("1", level="strategy")["difference"])).all()


def test_what_can_be_claimed_is_found_with_the_power_that_is_stated() -> None:
    for comparisons, n in [(4, 5), (11, 9)]:
        difference = smallest_detectable(1.0, n, comparisons)
        power = stats.nct.sf(critical(n, comparisons), n - 1, difference * np.sqrt(n))
        assert power == pytest.approx(0.8, abs=0.05)


def test_cut_intervals_of_accuracies_hold_the_truth_nineteen_times_in_twenty() -> None:
    draws = np.random.default_rng(4)
    held = [
        (lambda one: one.low <= 0.9 <= one.high)(MeanInterval.of(np.clip(draws.normal(0.9, 0.03, 5), 0, 1), SHARE))
        for _ in range(2000)
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)
    wide = MeanInterval.of([0.05, 0.6], SHARE)
    assert (wide.low, wide.high) == (0.0, 1.0)


@pytest.mark.parametrize("n", [6, 9, 12])
def test_the_interval_of_a_median_saving_holds_it_as_often_as_the_binomial_says(n: int) -> None:
    draws = np.random.default_rng(n)
    labels = np.ceil(1000 * np.exp(draws.normal(0, 0.3, (800, n, 2))))
    setting, seed, strategy = np.indices(labels.shape).reshape(3, -1)
    frame = pd.DataFrame(
        {"setting": setting, "strategy": strategy, "seed": seed, "n_queried": labels.ravel(), "n_budget": 1e6}
    ).astype({"strategy": str})
    found = savings(frame, "0")
    held = ((found["saving_low"] <= 0) & (found["saving_high"] >= 0)).mean()
    exact = 1 - 2 * stats.binom.cdf(sign_test_place(n) - 1, n, 0.5)
    assert exact >= 0.95
    assert held == pytest.approx(exact, abs=0.02)


def test_fewer_than_six_pairs_give_a_median_saving_no_interval() -> None:
    assert [sign_test_place(n) for n in range(13)] == [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
