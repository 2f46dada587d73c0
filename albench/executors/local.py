"""Reusable worker processes on this machine, one cell at a time each; a death loses that cell alone."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge

from albench.contracts.executor import Emit, Event, Executor, Task

GPU_JOBS = 4


@dataclass(frozen=True)
class Local(Executor):
    """Run cells in worker processes of this machine; `jobs` at a time, by default one a core (on a GPU at most 4)."""

    jobs: Annotated[int, Ge(1)] | None = None

    def run(self, tasks: Sequence[Task], emit: Emit) -> None:
        """Perform every task; see the contract."""
        waiting = deque(tasks)
        events: queue.Queue[tuple[_Worker, Event | None]] = queue.Queue()
        count = min(self.jobs or default_jobs(tasks), len(waiting))
        workers = [_Worker(waiting.popleft(), events) for _ in range(count)]
        try:
            while workers:
                worker, event = events.get()
                if worker not in workers:  # the end of one that was stopped
                    continue
                if event is None:
                    workers.remove(worker)
                    emit(worker.obituary())
                    if waiting:
                        workers.append(_Worker(waiting.popleft(), events))
                elif event["event"] != "idle":
                    emit(event)
                elif waiting:
                    worker.give(waiting.popleft())
                else:
                    workers.remove(worker)
                    worker.stop()
        finally:
            for worker in workers:
                worker.stop()


def default_jobs(tasks: Sequence[Task]) -> int:
    """Return one process a core; on a GPU at most GPU_JOBS, since each holds memory of its own there."""
    on_gpu = any(str(task["device"]).startswith("cuda") for task in tasks)
    return min(cores(), GPU_JOBS) if on_gpu else cores()


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """One process and the thread that reads its events; after its last event comes None."""

    def __init__(self, task: Task, events: queue.Queue[tuple[_Worker, Event | None]]) -> None:
        threads = str(task["threads"])
        limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "albench.executors.worker"],  # -P: a file random.py in the folder stays out
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **limits},
            text=True,
            encoding="utf-8",
            start_new_session=True,  # so that what it started can be ended with it; Ctrl+C reaches the parent alone
        )
        threading.Thread(target=self._read, args=(events,), daemon=True).start()
        threading.Thread(target=self._bury, daemon=True).start()
        self.give(task)

    def give(self, task: Task) -> None:
        """Start a task; a process that is already gone shows itself at the end of its events."""
        self.task = task
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """End the process; what it had finished is on disk."""
        self.process.kill()
        self._wait()
        self._end_children()

    def obituary(self) -> dict[str, Any]:
        """Return the event of a task whose process died under it."""
        code = self._wait()
        how = f"killed by signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        message = (
            f"its worker process died ({how}); the cell's log.txt may say why, and out of memory is the usual cause"
        )
        return {"event": "died", "cell": self.task["name"], "reason": message}

    def _wait(self) -> int:
        assert self.process.stdin is not None
        with suppress(OSError):  # what was still to be written has no reader any more
            self.process.stdin.close()
        return self.process.wait()

    def _bury(self) -> None:
        """End what a dead process started: a child that holds its output open would hide the death."""
        self.process.wait()
        self._end_children()

    def _end_children(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _read(self, events: queue.Queue[tuple[_Worker, Event | None]]) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                events.put((self, json.loads(line)))
        events.put((self, None))
