"""What a worker of an engine does with tasks beyond performing them once: deaths and dead holders do not end a cell."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from albench.contracts.executor import Emit, Event, Task, is_cancelled

DEATHS = 3  # of its process that a cell may cause; what is ended for a limit would reach it again
HELD_SECONDS = 660.0  # a lease whose holder died elsewhere is free ten minutes after its last sign of life
WAIT_SECONDS = 2.0


def task_key(task: Task) -> str:
    """Return what names a task whoever gives it: what it is to do, whichever command asked for it."""
    same = {name: value for name, value in task.items() if name not in ("command", "cell_timeout", "memory")}
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def perform_lasting(run: Callable[[Sequence[Task], Emit], None], tasks: Sequence[Task], emit: Emit) -> None:
    """Give tasks to `run`, again where a process died or a cell was held, and pass on the events that end each.

    A cell goes on from its last round each time. Its process may die DEATHS times; it may be held as long as a dead
    holder can seem to live. Nothing is emitted of those that are left when the study is cancelled.
    """
    deaths: Counter[str] = Counter()
    held: dict[str, float] = {}
    while tasks and not is_cancelled(tasks[0]):
        again: list[Any] = []

        def note(event: Event, again: list[Any] = again) -> None:
            cell = str(event["cell"])
            if event["event"] == "died":
                deaths[cell] += 1
            is_dead = event["event"] == "died" and deaths[cell] < DEATHS and "limit" not in event
            is_held = event["event"] == "held" and time.monotonic() < held.setdefault(
                cell, time.monotonic() + HELD_SECONDS
            )
            if is_dead or is_held:
                again.append(event["cell"])
            else:
                emit(event)

        run(tasks, note)
        tasks = [task for task in tasks if task["name"] in again]
        if tasks:
            time.sleep(WAIT_SECONDS)
