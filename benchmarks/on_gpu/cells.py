"""Whole cells through the harness, one after another and side by side, with a query of EMOC each."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

import albench
from benchmarks.on_gpu.section import Session

CELLS, DRY_CELLS = 4, 2
FIXED = {"initial_iterations": 2000, "update_iterations": 500}
DRY = {"initial_iterations": 2, "update_iterations": 1, "batch_size": 4, "n_sets": 4, "set_size": 3}
SCENARIO = Path(__file__).with_name("scenario.py")
DRAWN = "images_a_class=24,known=2,novel=2,initial_per_class=4,pool_per_class=8,test_per_class=4"
SAME = ["seed", "round", "accuracy", "query_class", "query_indices"]


def measure(session: Session) -> None:
    """Leave a row for the cells one at a time, and one for all at once, whose results must be the same."""
    before: pd.DataFrame | None = None
    for jobs in (1, _count(session)):
        with tempfile.TemporaryDirectory() as folder:
            row, rounds = _run(session, jobs, Path(folder))
        if before is not None and len(rounds) == len(before):
            row["same_results"] = _same(rounds, before)
        before = rounds
        session.row(**row)


def _count(session: Session) -> int:
    return DRY_CELLS if session.dry else CELLS


def _run(session: Session, jobs: int, store: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    settings = DRY if session.dry else FIXED
    failures: list[str] = []

    def note(event: Any) -> None:
        if event["event"] not in ("round", "training", "done"):
            failures.append(f"{event['event']}: {event.get('reason')}")

    start = time.perf_counter()
    outcome = albench.run(
        strategies="emoc",
        scenarios=f"{SCENARIO}:Patterns[{DRAWN}]" if session.dry else f"{SCENARIO}:Patterns",
        seeds=_count(session),
        rounds=1,
        set=settings,
        device=session.device,
        executor=f"local[jobs={jobs}]",
        store=store,
        report=False,
        on_event=note,
    )
    seconds = time.perf_counter() - start
    rounds = outcome.rounds()
    iterations = settings["initial_iterations"] + settings["update_iterations"]
    trained = rounds.groupby("seed", observed=True)["train_seconds"].sum()
    queries = rounds.loc[rounds["round"] > 0]
    each = 1e3 * float(trained.mean()) / iterations if len(trained) else None
    return {
        "jobs": jobs,
        "cells": _count(session),
        "done": sum(status.status == "done" for status in outcome.statuses),
        "failures": failures,
        "seconds": seconds,  # with the start of the workers
        "iterations_a_cell": iterations,
        "milliseconds_an_iteration": each,
        "iterations_a_second_together": 1e3 * jobs / each if each else None,
        "query_seconds": queries["query_seconds"].tolist(),
        "peak_bytes_of_queries": [int(value) for value in queries["peak_memory_bytes"].dropna()],
    }, rounds


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    def told(frame: pd.DataFrame) -> list[str]:
        return [str(row) for row in frame.sort_values(["seed", "round"])[SAME].to_numpy().tolist()]

    return told(one) == told(other)
