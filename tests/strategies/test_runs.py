"""Every strategy finishes a run on real images, through the harness that checks each answer."""

from __future__ import annotations

from pathlib import Path

import albench
from albench.plugins.host import host
from tests.conftest import small_run

NAMES = [entry.name for entry in host().all_entries(["strategies"]) if entry.plugin.name == "albench_strategies"]


def test_every_strategy_finishes_a_run_on_digits_and_the_oracle_is_marked(tmp_path: Path) -> None:
    outcome = small_run(tmp_path / "store", ",".join(NAMES), seeds=1, rounds=3)
    assert {status.strategy: status.status for status in outcome.statuses} == dict.fromkeys(NAMES, "done")
    rounds = albench.load(tmp_path / "store")
    asked = rounds[rounds["round"] > 0]
    assert (asked.groupby("strategy").size() == 3).all()
    permitted = {row.strategy for row in asked.itertuples() if row.notes.get("permission") == "pool labels"}
    assert permitted == {"oracle-novel"}
    oracle = asked[asked["strategy"] == "oracle-novel"]
    assert oracle["query_is_novel"].all()
    assert oracle["n_novel_found"].tolist() == [1, 2, 3], "each query finds another class"
