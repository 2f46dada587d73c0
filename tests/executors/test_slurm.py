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


def running(env: dict[str, str]) -> list[str]:
    return [number for number, state in jobs(env).items() if state == "RUNNING"]


def test_jobs_that_are_requeued_cancelled_and_killed_end_with_every_cell_once(
    tmp_path: Path, slurm_env: dict[str, str], on_one_machine: dict[str, list[dict[str, Any]]]
) -> None:
    store = tmp_path / "s"
    run = start_run(store, "--executor", "slurm[cells=2,gpus=1,time=30]", env=slurm_env)
    wait_until(lambda: recorded(store) >= 2, "rounds are stored")
    os.kill(workers_of(store)[0], signal.SIGKILL)
    before = recorded(store)
    wait_until(lambda: recorded(store) > before, "a cell goes on")
    tell(slurm_env, "scontrol", "requeue", running(slurm_env)[0])
    before = recorded(store)
    wait_until(lambda: recorded(store) > before, "another cell goes on")
    tell(slurm_env, "scancel", *running(slurm_env)[:1])
    assert recorded(store) < CELLS * (ROUNDS + 1), "the last blow came too late to test anything"
    out, _ = run.communicate()
    assert run.returncode == 0, out
    assert set(times_told(out).values()) == {1}
    assert len(times_told(out)) == CELLS
    assert rounds(store) == on_one_machine


def test_a_job_near_its_time_limit_gives_its_cells_back_and_is_requeued(
    tmp_path: Path, slurm_env: dict[str, str], on_one_machine: dict[str, list[dict[str, Any]]]
) -> None:
    store = tmp_path / "s"
    run = start_run(store, "--executor", "slurm[cells=4]", env=slurm_env)
    wait_until(lambda: recorded(store) >= 2, "rounds are stored")
    tell(slurm_env, "scancel", "--signal=USR2", *running(slurm_env))  # what SLURM sends before the limit
    wait_until(lambda: not running(slurm_env), "the job is requeued")
    assert list(jobs(slurm_env).values()) in (["PENDING"], ["COMPLETING"]), "requeued, not submitted again"
    assert workers_of(store) == [], "cells are given back, so that another node need not wait for them"
    out, _ = run.communicate()
    assert run.returncode == 0, out
    assert rounds(store) == on_one_machine


def test_a_detached_study_outlives_its_command_and_its_session(
    tmp_path: Path, slurm_env: dict[str, str], on_one_machine: dict[str, list[dict[str, Any]]]
) -> None:
    store = tmp_path / "s"
    detached = start_run(store, "--executor", "slurm[cells=2]", "--detach", env=slurm_env)
    out, _ = detached.communicate()
    assert detached.returncode == 0, out
    assert "4 cells submitted" in out
    assert os.getpgid(0) != detached.pid
    joined = start_run(store, "--executor", "slurm[cells=2]", env=slurm_env)
    watch = [sys.executable, "-m", "albench", "status", str(store), "--watch"]
    watched = subprocess.run(watch, capture_output=True, text=True, check=True)
    assert watched.stdout.splitlines()[-1] == "4 of 4 cells done"
    out, _ = joined.communicate()
    assert joined.returncode == 0, out
    assert len(list((store / "jobs").iterdir())) == 1, "what SLURM has is joined, not submitted again"
    assert rounds(store) == on_one_machine


def test_a_study_that_is_cancelled_leaves_no_job_and_goes_on_when_it_is_asked_for(
    tmp_path: Path, slurm_env: dict[str, str], on_one_machine: dict[str, list[dict[str, Any]]]
) -> None:
    store = tmp_path / "s"
    words = run_words(store, "--executor", "slurm[array=1]")
    subprocess.run([*words, "--detach"], check=True, env=slurm_env, capture_output=True)
    wait_until(lambda: recorded(store) >= 2, "rounds are stored")
    cancel = [sys.executable, "-m", "albench", "cancel", str(store)]
    told = subprocess.run(cancel, check=True, env=slurm_env, capture_output=True, text=True)
    assert "4 cells are not done" in told.stdout
    wait_until(lambda: not jobs(slurm_env), "no job is left")
    assert recorded(store) < ROUNDS + 1
    subprocess.run(words, check=True, env=slurm_env, capture_output=True)
    assert rounds(store) == on_one_machine


@pytest.mark.parametrize("text", LIMITS)
def test_time_limits_are_read_as_slurm_reads_them(text: str) -> None:
    assert minutes(text) == LIMITS[text]


def test_a_time_limit_that_is_none_is_refused() -> None:
    with pytest.raises(albench.RequestError, match="time: 'soon' is no time limit"):
        albench.executor("slurm[time=soon]")
