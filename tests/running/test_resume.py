"""Killed, continued, repeated: the results are those of an uninterrupted run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import albench
from albench.store import cell
from albench.store.cell import read_checkpoint
from albench.store.store import Store
from tests.conftest import SMALL, Cli, PluginFolder, run_and_kill, small_options, small_run

VARYING = {"query_seconds", "train_seconds", "eval_seconds", "peak_memory_bytes", "attempt", "check"}


def rounds(store: Path) -> dict[str, list[dict[str, Any]]]:
    """Every cell's rounds.jsonl without what varies from run to run."""
    return {
        str(path.relative_to(store)): [
            {name: value for name, value in json.loads(line).items() if name not in VARYING}
            for line in path.read_text().splitlines()
        ]
        for path in sorted(store.glob("cells/*/*/*/rounds.jsonl"))
    }


def weights(store: Path) -> dict[str, Any]:
    folder = Store(store).cell(**Store(store).cells()[0])
    checkpoint = read_checkpoint(folder)
    assert checkpoint is not None
    return (
        {name: value.numpy().tobytes() for name, value in checkpoint.weights.items()},
        checkpoint.labeled,
        checkpoint.classes,
    )  # type: ignore[return-value]


def test_a_run_killed_in_the_middle_of_a_cell_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    options = small_options(rounds=6, update_iterations=200)
    command = [sys.executable, "-m", "albench", "run", "--strategies", "emoc", "--seeds", "1", *options, "--store"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    run_and_kill([*command, str(tmp_path / "killed")], "round 2")
    recorded = next(iter(rounds(tmp_path / "killed").values()))
    assert len(recorded) < 7, "the kill came too late to test anything"
    again = subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True, text=True)
    assert "round 1:" not in again.stdout, "finished rounds are not run again"
    assert rounds(tmp_path / "killed") == rounds(tmp_path / "whole")
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


@pytest.mark.parametrize("moment", range(6))
def test_a_crash_at_any_moment_of_saving_loses_at_most_the_round_in_progress(
    moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write of a cell is made to fail once, as a crash there would leave it."""
    small_run(tmp_path / "whole", "random")
    calls = 0

    class Crash(BaseException):
        pass

    def crashing(original: Any) -> Any:
        def call(*words: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == moment + 1:
                raise Crash
            return original(*words, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr("albench.store.cell.packed", crashing(cell.packed))
        patch.setattr("albench.store.cell.write_rows", crashing(cell.write_rows))
        with pytest.raises(Crash):
            small_run(tmp_path / "cut", "random")
    small_run(tmp_path / "cut", "random")
    assert rounds(tmp_path / "cut") == rounds(tmp_path / "whole")


def test_a_run_of_more_rounds_continues_a_shorter_one_and_one_of_fewer_reads_a_prefix(tmp_path: Path) -> None:
    small_run(tmp_path / "long", "min", rounds=4)
    small_run(tmp_path / "grown", "min", rounds=2)
    small_run(tmp_path / "grown", "min", rounds=4)
    assert rounds(tmp_path / "grown") == rounds(tmp_path / "long")
    assert weights(tmp_path / "grown") == weights(tmp_path / "long")
    fewer = small_run(tmp_path / "grown", "min", rounds=3)
    assert fewer.exit_code == 0
    assert albench.load(tmp_path / "grown")["round"].tolist() == [0, 1, 2, 3]


def test_results_do_not_depend_on_the_number_of_jobs_or_on_running_inline(tmp_path: Path, cli: Cli) -> None:
    options = ["run", "--strategies", "min,max", "--seeds", "2", *small_options()]
    assert cli(*options, "--jobs", 1, "--store", tmp_path / "one").code == 0
    assert cli(*options, "--jobs", 2, "--store", tmp_path / "two").code == 0
    small_run(tmp_path / "inline", "min,max", seeds=2)
    assert len(rounds(tmp_path / "one")) == 4
    assert rounds(tmp_path / "one") == rounds(tmp_path / "two") == rounds(tmp_path / "inline")


def test_a_pool_that_is_exhausted_ends_a_cell(tmp_path: Path) -> None:
    protocol = {"set_size": 40, "rounds": 50}
    outcome = small_run(tmp_path, "random", **protocol)
    assert outcome.exit_code == 0
    assert outcome.statuses[0].rounds == 10, "one set of 40 from each of 10 classes"
    assert small_run(tmp_path, "random", **{**protocol, "rounds": 60}).statuses[0].status == "done"


def test_a_failed_cell_runs_again_only_when_asked_and_goes_on_where_it_failed(
    tmp_path: Path, plugins: PluginFolder
) -> None:
    flag = tmp_path / "mended"
    plugins.install_strategy(
        "fragile",
        "def score_sets(self, query):\n    import pathlib\n"
        f"    if len(query.labeled) >= 105 and not pathlib.Path({str(flag)!r}).exists():\n        raise ValueError('broken')\n"
        "    return query.logits[query.sets].sum(dim=(1, 2))",
    )
    store = tmp_path / "store"
    assert small_run(store, "fragile").statuses[0].reason == "ValueError: broken"
    flag.touch()
    unchanged = small_run(store, "fragile")
    assert (unchanged.exit_code, unchanged.statuses[0].status) == (1, "failed")
    assert small_run(store, "fragile", retry=True).exit_code == 0
    small_run(tmp_path / "whole", "fragile")
    assert rounds(store) == rounds(tmp_path / "whole")


def test_a_worker_that_dies_loses_its_own_cell_alone_and_leaves_a_reason(
    tmp_path: Path, plugins: PluginFolder, cli: Cli
) -> None:
    plugins.install_strategy(
        "deadly", "def score_sets(self, query):\n    import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    ran = cli(
        "run", "--strategies", "deadly,random", "--seeds", "2", *small_options(), "--store", tmp_path / "s", "--jobs", 1
    )
    assert ran.code == 1
    assert "2 of 4 cells done; 2 failed" in ran.out
    assert "digits / deadly / seed 0: its worker process died (killed by signal SIGKILL)" in ran.err
    assert cli("status", tmp_path / "s").out.count("its worker process died") == 2


def test_a_worker_that_dies_while_its_child_lives_does_not_hang_the_run(
    tmp_path: Path, plugins: PluginFolder, cli: Cli
) -> None:
    plugins.install_strategy(
        "parent",
        "def score_sets(self, query):\n    import os, signal, subprocess\n    subprocess.Popen(['sleep', '600'])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)",
    )
    options = ["--seeds", "1", "--jobs", 1, *small_options()]
    ran = cli("run", "--strategies", "parent", *options, "--store", tmp_path / "s")
    assert ran.code == 1
    assert "its worker process died" in ran.err


def test_a_resumed_cell_keeps_the_provenance_of_every_session(tmp_path: Path) -> None:
    small_run(tmp_path, rounds=1)
    small_run(tmp_path, rounds=2)
    _, snapshot = Store(tmp_path).snapshots()[0]
    assert [session["first_round"] for session in snapshot.record["earlier_sessions"]] == [0]
    provenance = snapshot.record["provenance"]
    assert provenance["first_round"] == 2
    assert provenance["end"] >= provenance["start"]


def test_a_second_run_on_a_store_is_told_which_process_holds_which_cell(
    tmp_path: Path, plugins: PluginFolder, cli: Cli
) -> None:
    gate = tmp_path / "gate"
    plugins.install_strategy(
        "slow",
        f"def score_sets(self, query):\n    import pathlib, time\n    while not pathlib.Path({str(gate)!r}).exists():\n"
        "        time.sleep(0.05)\n    return query.logits[query.sets].sum(dim=(1, 2))",
    )
    options = ["run", "--strategies", "slow", "--seeds", "1", *small_options(), "--store", str(tmp_path / "s")]
    first = subprocess.Popen([sys.executable, "-m", "albench", *options], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    while "round 0" not in first.stdout.readline():
        time.sleep(0.01)
    second = cli(*options)
    assert second.code == 1
    assert "running: digits / slow / seed 0: held by process " in second.err
    assert "running" in cli("status", tmp_path / "s").out
    gate.touch()
    first.communicate(timeout=120)
    assert first.returncode == 0
    assert cli(*options).code == 0


def _hearing_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in its background deaf to it


def test_ctrl_c_leaves_a_valid_store_and_exits_with_130(tmp_path: Path, plugins: PluginFolder) -> None:
    gate = tmp_path / "gate"
    plugins.install_strategy(
        "slow",
        f"def score_sets(self, query):\n    import pathlib, time\n    while not pathlib.Path({str(gate)!r}).exists():\n"
        "        time.sleep(0.05)\n    return query.logits[query.sets].sum(dim=(1, 2))",
    )
    options = ["run", "--strategies", "slow", "--seeds", "1", *small_options()]
    command = [sys.executable, "-m", "albench", *options, "--store", str(tmp_path / "s")]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_hearing_ctrl_c
    )
    assert run.stdout is not None
    while "round 0" not in run.stdout.readline():
        pass
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted; what was finished is kept" in err
    assert Store(tmp_path / "s").statuses()[0].status == "missing"
    gate.touch()
    subprocess.run(command, check=True, capture_output=True)
    assert Store(tmp_path / "s").statuses()[0].status == "done"


def test_the_initial_network_is_trained_once_even_when_cells_start_together(tmp_path: Path, cli: Cli) -> None:
    options = small_options(**{**SMALL, "initial_iterations": 60})
    assert cli("run", "--strategies", "min,max", "--seeds", "1", *options, "--jobs", 2, "--store", tmp_path).code == 0
    frame = albench.load(tmp_path).query("round == 0")
    assert frame.train_seconds.nunique() == 1
    assert len(list(tmp_path.glob("initial/*/*"))) == 1
