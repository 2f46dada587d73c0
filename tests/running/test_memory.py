"""A strategy's memory is part of the checkpoint: a run that is killed and goes on is like an uninterrupted one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import albench
from albench.store.cell import read_checkpoint
from albench.store.store import Store
from tests.conftest import run_and_kill

COUNTING = '''
import albench
import torch
from dataclasses import dataclass

@dataclass(frozen=True)
class Counting(albench.Strategy):
    """Ask for what was least wanted before: every score depends on all rounds so far."""
    def score(self, query):
        size = int(query.pool_ids.max()) + 1
        kept = query.memory.get("sum", torch.zeros(size))
        now = kept.clone()
        now[query.pool_ids] += torch.special.entr(query.probabilities).sum(dim=1)
        query.remember("sum", now)
        query.remember("log", [*query.memory.get("log", []), query.round])
        query.note("rounds", len(query.memory["log"]))
        return now[query.pool_ids] - 2 * kept[query.pool_ids]
'''


@pytest.mark.parametrize("protocol", ["discovery[n_sets=6,set_size=5]", "top-k[query_size=5]"])
def test_a_stateful_strategy_of_a_file_killed_in_the_middle_equals_the_uninterrupted_run(
    protocol: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(COUNTING, encoding="utf-8")
    numbers = {"rounds": 6, "initial_iterations": 4, "update_iterations": 150, "batch_size": 8}
    options = [word for name, value in numbers.items() for word in ("--set", f"{name}={value}")]
    command = [sys.executable, "-m", "albench", "run", "--strategies", f"{path}:Counting", "--seeds", "1"]
    command += ["--protocol", protocol, *options, "--store"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    run_and_kill([*command, str(tmp_path / "killed")], "round 3")
    assert len(albench.load(tmp_path / "killed", unfinished=True)) < 7, "the kill came too late to test anything"
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    whole, resumed = (albench.load(tmp_path / name) for name in ("whole", "killed"))
    columns = [name for name in whole if not name.endswith("_seconds") and name not in ("peak_memory_bytes", "query_indices")]  # fmt: skip
    assert resumed[columns].equals(whole[columns])
    asked = [[rows.tolist() for rows in frame.query_indices[1:]] for frame in (whole, resumed)]
    assert asked[0] == asked[1]
    assert whole.notes.tolist()[1:] == [{"rounds": number} for number in range(1, 7)]
    memories = [
        read_checkpoint(store.cell(**store.cells()[0])).memory  # type: ignore[union-attr]
        for store in (Store(tmp_path / "whole"), Store(tmp_path / "killed"))
    ]
    assert torch.equal(memories[0]["sum"], memories[1]["sum"])
    assert memories[0]["log"] == memories[1]["log"] == [1, 2, 3, 4, 5, 6]
