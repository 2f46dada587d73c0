"""What holds of every executor, tried on one machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from albench import api
from albench.executors.here import Here
from albench.executors.lasting import DEATHS, perform_lasting
from albench.running.work import Work, perform
from albench.study.study import Request
from tests.conftest import SMALL, Cli, small_options, small_run
from tests.executors.clusters import wait_until
from tests.executors.studies import recorded, start_run


def tasks_of(store: Path, strategies: str = "random", remote: bool = False) -> list[dict[str, Any]]:
    planned = api.plan(Request(strategies=strategies, seeds=1, values=SMALL), store)
    return [
        Work.of(store, cell, planned.study.asked, 1, "cpu", 1, "mkl", [], remote).to_json() for cell in planned.cells
    ]


def events_of(task: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    perform(task, lambda event: found.append(dict(event)))
    return found


def test_a_worker_with_another_harness_refuses_by_version(tmp_path: Path) -> None:
    (task,) = tasks_of(tmp_path)
    (event,) = events_of({**task, "distributions": {"albench": "9.9"}, "unheard": "of"})
    assert event["event"] == "failed"
    assert "the run was planned with albench 9.9; install that there" in event["reason"]
    assert not list(tmp_path.glob("cells/*"))


def test_a_cell_that_another_run_finished_meanwhile_is_told_done_and_left_as_it_is(tmp_path: Path) -> None:
    (task,) = tasks_of(tmp_path)
    assert len(events_of(task)) > 1
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert [event["event"] for event in events_of(task)] == ["done"]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_file_travels_with_its_name_and_its_identity(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import albench\nclass Mine(albench.Strategy):\n    def score(self, query):\n        return query.logits[:, 0]\n"
    )
    (task,) = tasks_of(tmp_path / "s", f"{file}:Mine", remote=True)
    file.unlink()
    assert [event["event"] for event in events_of(task)][-1] == "done"
    assert "source" in (next((tmp_path / "s").glob("cells/*/Mine/*/cell.json"))).read_text()


def test_a_cell_may_lose_its_process_so_many_times(tmp_path: Path) -> None:
    (task,) = tasks_of(tmp_path)
    tried, told = 0, []

    def dying(tasks: Any, emit: Any) -> None:
        nonlocal tried
        tried += 1
        emit({"event": "died", "cell": tasks[0]["name"], "reason": "killed"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("albench.executors.lasting.WAIT_SECONDS", 0)
        perform_lasting(dying, [task], told.append)
    assert tried == DEATHS
    assert [event["event"] for event in told] == ["died"]


def test_a_local_run_that_is_cancelled_ends_and_gives_its_cells_back(tmp_path: Path, cli: Cli) -> None:
    store = tmp_path / "s"
    run = start_run(store, "--set", "rounds=50", "--set", "update_iterations=5000")
    wait_until(lambda: recorded(store) >= 2, "rounds are stored")
    told = cli("cancel", store)
    assert told.code == 0
    assert "4 cells are not done" in told.out
    out, _ = run.communicate()
    assert run.returncode == 1
    assert "cancelled ('albench cancel" in out
    assert not list(store.glob("cells/*/*/*/claim"))
    assert cli("status", store, "--watch").out == "0 of 4 cells done; 4 missing\n"


def test_a_study_that_is_done_has_nothing_to_cancel(tmp_path: Path, cli: Cli) -> None:
    small_run(tmp_path)
    assert "nothing to cancel" in cli("cancel", tmp_path).out
    assert not (tmp_path / "cancelled").exists()


def test_an_executor_that_ends_with_its_command_is_not_left(tmp_path: Path, cli: Cli) -> None:
    words = ["run", "--strategies", "random", "--seeds", 1, *small_options(), "--store", tmp_path / "s", "--detach"]
    for more in ([], ["--executor", "dask"]):
        ran = cli(*words, *more)
        assert ran.code == 2
        assert "--detach: this executor ends with the command" in ran.err
    assert not (tmp_path / "s").exists()


def test_here_is_the_executor_of_a_notebook_and_heeds_a_cancelled_study(tmp_path: Path) -> None:
    (task,) = tasks_of(tmp_path)
    (tmp_path / "cancelled").touch()
    told: list[Any] = []
    Here().run([task], told.append)
    assert told == []


@pytest.mark.parametrize(("name", "library"), [("dask", "distributed"), ("slurm", "submitit")])
def test_a_missing_library_is_a_sentence_that_names_the_extra(
    name: str, library: str, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    words = ["run", "--strategies", "random", "--seeds", 1, *small_options(), "--store", tmp_path / "s"]
    ran = cli(*words, "--executor", name)
    assert ran.code == 2
    assert f"pip install 'albench[{name}]'" in ran.err
    assert not (tmp_path / "s").exists()


def test_listing_executors_imports_no_engine() -> None:
    code = (
        "import sys\nsys.argv = ['albench', 'list', 'executors']\nfrom albench.cli.main import app\n"
        "app(standalone_mode=False)\n"
        "assert not {'dask', 'distributed', 'submitit', 'torch'} & set(sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "slurm" in ran.stdout
