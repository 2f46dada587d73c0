"""A real SLURM whose jobs are requeued, cancelled and killed: every cell is done once, as on one machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import albench
from albench.executors.slurm import minutes
from tests.executors.clusters import wait_until
from tests.executors.slurm import jobs, tell
from tests.executors.studies import CELLS, ROUNDS, recorded, run_words, start_run, times_told, workers_of
from tests.running.test_resume import rounds

LIMITS = {
    "90": 90,
    "0:30": 1,
    "90:00": 90,
    "01:30:00": 90,
    "2-0": 2880,
    "1-12": 2160,
    "1-12:30": 2190,
    "1-00:00:10": 1441,
}


def wait_for_rounds(store: Path, count: int) -> None:
    wait_until(lambda: recorded(store) >= count, f"{count} rounds are stored")


def albench_says(*words: object, env: dict[str, str] | None = None) -> str:
    command = [sys.executable, "-m", "albench", *map(str, words)]
    return subprocess.run(command, check=True, env=env, capture_output=True, text=True).stdout


def running(env: dict[str, str]) -> list[str]:
    return [number for number, state in jobs(env).items() if state == "RUNNING"]


def test_jobs_that_are_requeued_cancelled_and_killed_end_with_every_cell_once(
    tmp_path: Path, slurm_env: dict[str, str], on_one_machine: dict[str, list[dict[str, Any]]]
) -> None:
    store = tmp_path / "s"
    run = start_run(store, "--executor", "slurm[cells=2,gpus=1,time=30]", env=slurm_env)
    wait_for_rounds(store, 2)
    killed = workers_of(store)[0]
    os.kill(killed, signal.SIGKILL)
    wait_for_rounds(store, recorded(store) + 1)
    first, second = running(slurm_env)
    tell(slurm_env, "scancel", first)
    tell(slurm_env, "scancel", "--signal=USR2", second)  # what SLURM sends before the time limit, and to pre-empt
    wait_until(lambda: jobs(slurm_env).get(second) != "RUNNING", "the job is requeued")
    given_back = "cells are given back, so that another node need not wait for them"
    wait_until(lambda: set(workers_of(store)) <= {killed}, given_back)
    wait_for_rounds(store, recorded(store) + 1)
    wait_until(lambda: running(slurm_env), "a job runs")
    tell(slurm_env, "scontrol", "requeue", running(slurm_env)[0])
    assert recorded(store) < CELLS * (ROUNDS + 1), "the last blow came too late to test anything"
    out, _ = run.communicate()
    assert run.returncode == 0, out
    assert set(times_told(out).values()) == {1}
    assert len(times_told(out)) == CELLS
    assert rounds(store) == on_one_machine


def test_a_detached_study_outlives_its_command_can_be_cancelled_and_is_joined(
    tmp_path: Path, slurm_env: dict[str, str], on_one_machine: dict[str, list[dict[str, Any]]]
) -> None:
    store = tmp_path / "s"
    options = ["--executor", "slurm[cells=2,array=1]"]
    detached = start_run(store, *options, "--detach", env=slurm_env)
    out, _ = detached.communicate()
    assert detached.returncode == 0, out
    assert "4 cells submitted" in out
    wait_for_rounds(store, 1)
    assert "cells are not done" in albench_says("cancel", store, env=slurm_env)
    wait_until(lambda: not jobs(slurm_env), "no job is left")
    assert " of 4 cells done; " in albench_says("status", store, "--watch").splitlines()[-1]
    assert recorded(store) < CELLS * (ROUNDS + 1), "the study was cancelled too late to test anything"

    subprocess.run(run_words(store, *options, "--detach"), check=True, env=slurm_env, capture_output=True)
    joined = start_run(store, *options, env=slurm_env)
    assert albench_says("status", store, "--watch").splitlines()[-1] == "4 of 4 cells done"
    out, _ = joined.communicate()
    assert joined.returncode == 0, out
    assert len(list((store / "jobs").iterdir())) == 2, "what SLURM has is joined, not submitted again"
    assert rounds(store) == on_one_machine


@pytest.mark.parametrize("text", LIMITS)
def test_time_limits_are_read_as_slurm_reads_them(text: str) -> None:
    assert minutes(text) == LIMITS[text]


def test_a_time_limit_that_is_none_is_refused() -> None:
    with pytest.raises(albench.RequestError, match="time: 'soon' is no time limit"):
        albench.executor("slurm[time=soon]")
