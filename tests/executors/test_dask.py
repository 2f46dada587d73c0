"""A real Dask cluster whose parts are killed, and what travels to its workers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import albench
from albench.store.store import Store
from tests.conftest import Cli, PluginFolder, small_options
from tests.executors.clusters import dask_cluster, wait_until
from tests.executors.studies import CELLS, ROUNDS, recorded, start_run, times_told
from tests.running.test_resume import rounds

if not os.environ.get("ALBENCH_REQUIRE_CLUSTERS"):
    pytest.importorskip("distributed", reason="needs Dask: pip install 'albench[dask]'")

SCORE = "def score(self, query):\n    return query.logits[:, 0]"
FILE = "import albench\nclass Mine(albench.Strategy):\n    def score(self, query):\n        return query.logits[:, 0]\n"


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


def test_files_travel_as_source_and_workers_refuse_plugins_that_are_not_the_submitters(
    tmp_path: Path, plugins: PluginFolder, cli: Cli
) -> None:
    store, file, elsewhere = tmp_path / "s", tmp_path / "mine.py", tmp_path / "elsewhere"
    file.write_text(FILE)
    plugins.install_strategy("renewed", SCORE)
    elsewhere.mkdir()
    PluginFolder(elsewhere).install("plugin_renewed", (plugins.root / "plugin_renewed.py").read_text(), version="2.0")
    path = os.environ["PYTHONPATH"].replace(str(plugins.root), str(elsewhere))
    with dask_cluster(tmp_path / "dask") as cluster:
        engine = f"dask[address={cluster.address},gpus=1]"
        words = ["--strategies", f"renewed,{file}:Mine", "--seeds", 1, *small_options(), "--store", store]
        detached = cli("run", *words, "--executor", engine, "--detach")
        assert (detached.code, detached.err) == (0, "")
        assert "2 cells submitted" in detached.out
        file.unlink()
        assert [one.status for one in Store(store).statuses()] == ["missing", "missing"]
        cluster.start_worker("one", "--resources", "GPU=1", env={"PYTHONPATH": path})
        wait_until(lambda: {one.status for one in Store(store).statuses()} == {"done", "failed"}, "both cells ended")
    refused, done = Store(store).statuses()
    assert (done.strategy, done.status) == ("Mine", "done")
    assert "has plugin_renewed 2.0, and the run was planned with plugin_renewed 1.0" in refused.reason


def test_a_study_that_is_cancelled_leaves_the_cluster_idle(tmp_path: Path, cli: Cli) -> None:
    store = tmp_path / "s"
    with dask_cluster(tmp_path / "dask") as cluster:
        cluster.start_worker("one")
        run = start_run(store, "--executor", f"dask[address={cluster.address}]", "--set", "rounds=50")
        wait_until(lambda: recorded(store) >= 2, "rounds are stored")
        assert cli("cancel", store).code == 0
        out, _ = run.communicate()
        assert run.returncode == 1
        assert "cancelled ('albench cancel" in out
        wait_until(lambda: not list(store.glob("cells/*/*/*/claim")), "the worker gave its cell back")
        begun = recorded(store)
        wait_until(lambda: _waiting(cluster.address) == 0, "nothing waits in the cluster")
        assert recorded(store) == begun


def _waiting(address: str) -> int:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        return sum(len(keys) for keys in client.processing().values())


def test_nobody_at_an_address_is_refused_in_a_sentence(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", "--strategies", "random", "--seeds", 1, *small_options(), "--store", tmp_path / "s"]
    monkeypatch.setattr("albench.executors.dask.CONNECT_SECONDS", 0.2)
    ran = cli(*words, "--executor", "dask[address=tcp://127.0.0.1:9]")
    assert ran.code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in ran.err
    with pytest.raises(albench.RequestError, match="leave them out"):
        albench.executor("dask[address=tcp://127.0.0.1:9,jobs=2]")
    assert not (tmp_path / "s").exists()
