"""A real Dask cluster whose parts are killed: every cell is done once, with the numbers that one machine gives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.executors.clusters import dask_cluster, wait_until
from tests.executors.studies import CELLS, ROUNDS, recorded, start_run, times_told
from tests.running.test_resume import rounds

if not os.environ.get("ALBENCH_REQUIRE_CLUSTERS"):
    pytest.importorskip("distributed", reason="needs Dask: pip install 'albench[dask]'")


def test_a_worker_then_the_scheduler_is_killed_and_every_cell_is_done_once(
    tmp_path: Path, on_one_machine: dict[str, list[dict[str, Any]]]
) -> None:
    store = tmp_path / "s"
    with dask_cluster(tmp_path / "dask") as cluster:
        scheduler, victim = cluster.processes[0], cluster.start_worker("one")
        cluster.start_worker("two")
        run = start_run(store, "--executor", f"dask[address={cluster.address}]")
        wait_until(lambda: recorded(store) >= 3, "rounds are stored")
        victim.kill()
        wait_until(lambda: recorded(store) >= 6, "the other worker goes on")
        assert recorded(store) < CELLS * (ROUNDS + 1), "the scheduler's end came too late to test anything"
        scheduler.kill()
        scheduler.wait()
        cluster.start_scheduler()
        cluster.start_worker("three")
        out, _ = run.communicate()
    assert run.returncode == 0, out
    assert "is gone" in out
    assert len(times_told(out)) == CELLS
    assert set(times_told(out).values()) == {1}
    assert rounds(store) == on_one_machine
