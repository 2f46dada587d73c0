"""The cells of one job: what a node of SLURM performs, and gives back when the job has to end."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from albench.contracts.executor import Event, Task
from albench.executors.lasting import perform_lasting, task_key
from albench.executors.local import Local

GRACE_SECONDS = 900.0  # in which SLURM ends what it told to end; longer than most partitions wait


class _Ended(BaseException):
    """SLURM wants the job to end."""


class Pack:
    """Performs tasks in processes of their own, some at a time; a line of a file tells how each ended.

    submitit calls it in the job, and `checkpoint` when the time limit is near or the job is pre-empted: its cells are
    given back with the rounds that they have, and the job is requeued with what is left.
    """

    def __init__(self, tasks: Sequence[Task], file: Path, jobs: int) -> None:
        self.tasks = list(tasks)
        self.file = file
        self.jobs = jobs

    def __call__(self) -> None:
        """Perform the tasks that have not ended."""
        signal.signal(signal.SIGTERM, _end)
        names = {json.dumps(task["name"]): task_key(task) for task in self.tasks}

        def note(event: Event) -> None:
            if event["event"] in ("done", "failed", "held", "died"):
                _append(self.file, {"task": names[json.dumps(event["cell"])], "event": dict(event)})

        over = ended(self.file)
        left = [task for task in self.tasks if task_key(task) not in over]
        try:
            perform_lasting(Local(jobs=self.jobs).run, left, note)
        except _Ended:  # the workers have given their cells back; what comes next is SLURM's to say
            time.sleep(GRACE_SECONDS)
            raise SystemExit(128 + signal.SIGTERM) from None

    def checkpoint(self) -> Any:
        """Return what the requeued job shall do: this again, since a cell keeps every round that it ends."""
        from submitit.helpers import DelayedSubmission

        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which the requeue brings while the workers end
        return DelayedSubmission(self)


def ended(file: Path) -> dict[str, Event]:
    """Return how tasks ended, by their keys, as a job wrote it; a line that is being written is left out."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    found: dict[str, Event] = {}
    for line in lines:
        with suppress(ValueError, TypeError, KeyError, RecursionError):
            entry = json.loads(line)
            found[entry["task"]] = entry["event"]
    return found


def _append(file: Path, entry: dict[str, Any]) -> None:
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(entry) + "\n")
        out.flush()
        os.fsync(out.fileno())


def _end(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Ended
