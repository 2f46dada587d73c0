"""Reusable worker processes on this machine, one cell at a time each; a death loses that cell alone."""

from __future__ import annotations

import os
import queue
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from albench.contracts.executor import Emit, Executor, Task, is_cancelled
from albench.executors.process import Events, Process, emit_end, stop_all

GPU_JOBS = 4
POLL_SECONDS = 1.0  # between two looks whether the study was cancelled


@dataclass(frozen=True)
class Local(Executor):
    """Run cells in worker processes of this machine; `jobs` at a time, by default one a core (on a GPU at most 4)."""

    jobs: Annotated[int, Ge(1)] | None = None
    ends_cells: ClassVar[bool] = True

    def run(self, tasks: Sequence[Task], emit: Emit) -> None:
        """Perform every task; see the contract."""
        waiting = deque(tasks)
        events: Events = queue.Queue()
        count = min(self.jobs or default_jobs(tasks), len(waiting))
        workers = [Process(waiting.popleft(), events) for _ in range(count)]
        try:
            while workers:
                try:
                    worker, event = events.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    if is_cancelled(tasks[0]):
                        return
                    continue
                if worker not in workers:  # the end of one that was stopped
                    continue
                if event is not None and event["event"] != "idle":
                    emit(event)
                    continue
                if worker.is_lost:
                    waiting.appendleft(worker.task)
                else:
                    emit_end(worker, event, emit)
                if is_cancelled(tasks[0]):
                    waiting.clear()
                if waiting and worker.is_ready:
                    worker.give(waiting.popleft())
                    continue
                workers.remove(worker)
                worker.stop()
                if waiting:
                    workers.append(Process(waiting.popleft(), events))
        finally:
            stop_all(workers)


def default_jobs(tasks: Sequence[Task]) -> int:
    """Return one process a core; on a GPU at most GPU_JOBS, since each holds memory of its own there."""
    on_gpu = any(str(task["device"]).startswith("cuda") for task in tasks)
    return min(cores(), GPU_JOBS) if on_gpu else cores()


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
