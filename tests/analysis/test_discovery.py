from __future__ import annotations

import math

import pandas as pd
import pytest

from albench.analysis.discovery import discoveries, discovery_summary, queries_to_class
from albench.analysis.intervals import MeanInterval


def cell(asked: list[tuple[str, bool, int]], seed: int = 0, strategy: str = "emoc") -> pd.DataFrame:
    """One row a round: the class queried, whether it is novel, and the novel classes found after it."""
    rows = [("s", strategy, seed, 0, None, None, 0)]
    rows += [("s", strategy, seed, number, *one) for number, one in enumerate(asked, start=1)]
    columns = ["setting", "strategy", "seed", "round", "query_class", "query_is_novel", "n_novel_found"]
    return pd.DataFrame(rows, columns=columns)


ASKED = [("cat", False, 0), ("emu", True, 1), ("emu", True, 1), ("yak", True, 2)]


def test_discovery_metrics_are_counted_by_hand() -> None:
    found = discoveries(cell(ASKED), {"s": 4}).iloc[0]
    assert found["coverage"] == 0.5
    assert found["ratio"] == 0.75
    entropy = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert found["uniformity"] == pytest.approx(entropy / math.log(4))
    assert found["queries_to_half"] == 4


def test_half_of_an_odd_number_of_classes_is_the_larger_part() -> None:
    assert [discoveries(cell(ASKED), {"s": total}).iloc[0]["queries_to_half"] for total in (1, 2, 3, 4)] == [2, 2, 4, 4]


def test_where_a_query_is_of_several_classes_the_ratio_counts_examples() -> None:
    rounds = cell([("", False, 1), ("", False, 2)]).drop(columns=["query_class"])
    rounds = rounds.assign(
        query_class=None, query_is_novel=None, n_novel_queried=[pd.NA, 2, 1], query_indices=[None, [4, 5, 6], [7, 8]]
    )
    found = discoveries(rounds, {"s": 4}).iloc[0]
    assert (found["ratio"], found["coverage"]) == (3 / 5, 0.5)
    assert math.isnan(found["uniformity"])


def test_what_was_not_reached_is_missing_and_not_zero() -> None:
    found = discoveries(cell([("cat", False, 0)]), {"s": 4}).iloc[0]
    assert (found["coverage"], found["ratio"]) == (0, 0)
    assert math.isnan(found["queries_to_half"])
    assert math.isnan(found["uniformity"])


def test_without_novel_classes_there_is_nothing_to_discover() -> None:
    found = discoveries(cell([("cat", False, 0)]), {}).iloc[0]
    assert found[["coverage", "ratio", "uniformity", "queries_to_half"]].isna().all()


def test_queries_to_the_kth_class_are_medians_in_which_a_seed_that_never_got_there_counts_as_later() -> None:
    rounds = pd.concat([cell(ASKED, 0), cell(ASKED[:3], 1), cell(ASKED[1:], 2)])
    found = queries_to_class(rounds).set_index("k")
    assert found.loc[1, "median_queries"] == 2
    assert found.loc[2, "n_reached"] == 2
    assert found.loc[2, "median_queries"] == 4


def test_the_summary_averages_over_seeds() -> None:
    cells = discoveries(pd.concat([cell(ASKED, 0), cell(ASKED[:1], 1)]), {"s": 4})
    found = discovery_summary(cells).iloc[0]
    assert found["coverage"] == 0.25
    assert found["n_seeds"] == 2
    assert math.isnan(found["queries_to_half"])


def test_the_summary_has_the_interval_of_every_share_cut_to_shares_and_the_median_of_queries() -> None:
    cells = discoveries(pd.concat([cell(ASKED, 0), cell(ASKED[1:], 1), cell(ASKED[1:], 2)]), {"s": 4})
    found = discovery_summary(cells).iloc[0]
    for metric in ("coverage", "ratio", "uniformity"):
        one = MeanInterval.of(cells[metric], (0.0, 1.0))
        assert (found[metric], found[f"{metric}_low"], found[f"{metric}_high"]) == (one.mean, one.low, one.high)
    assert (found["ratio"], found["ratio_high"]) == (pytest.approx((0.75 + 1 + 1) / 3), 1)
    assert found["queries_to_half"] == 3
