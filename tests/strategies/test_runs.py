"""Every strategy finishes a run on real images, through the harness that checks each answer."""

from __future__ import annotations

from pathlib import Path

import albench
from albench_strategies import OWN
from tests.conftest import small_run

NAMES = sorted(OWN)


def test_every_strategy_finishes_a_run_on_digits_and_the_oracle_is_marked(tmp_path: Path) -> None:
    outcome = small_run(tmp_path / "store", ",".join(NAMES), seeds=1, rounds=3)
    assert {status.strategy: status.status for status in outcome.statuses} == dict.fromkeys(NAMES, "done")
    rounds = albench.load(tmp_path / "store")
    asked = rounds[rounds["round"] > 0]
    assert (asked.groupby("strategy").size().drop("all-labels") == 3).all()
    permitted = {row.strategy: row.notes["permission"] for row in asked.itertuples() if "permission" in row.notes}
    assert permitted == {"oracle-novel": "pool labels", "all-labels": "all labels"}
    oracle = asked[asked["strategy"] == "oracle-novel"]
    assert oracle["query_is_novel"].all()
    assert oracle["n_novel_found"].tolist() == [1, 2, 3], "each query finds another class"


def test_all_labels_trains_a_network_of_all_classes_on_the_whole_pool_at_once(tmp_path: Path) -> None:
    outcome = small_run(tmp_path / "store", "all-labels,random", seeds=2, rounds=4)
    assert [status.status for status in outcome.statuses] == ["done"] * 4
    rounds = albench.load(tmp_path / "store")
    line = rounds[rounds["strategy"] == "all-labels"]
    assert line["round"].tolist() == [0, 1, 0, 1]
    assert line["n_labeled"].tolist()[1::2] == [500, 500]
    assert line["n_classes"].tolist()[1::2] == [10, 10]
    starts = rounds[rounds["round"] == 0].groupby("seed")["accuracy"].nunique()
    assert (starts == 1).all(), "the line starts from the seed's shared network"
    again = small_run(tmp_path / "store", "all-labels,random", seeds=2, rounds=5)
    assert [status.status for status in again.statuses] == ["done"] * 4, "its one round is all there is"
