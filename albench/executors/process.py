"""A reusable worker process of this machine: tasks in, events out, one cell at a time."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from albench.contracts.executor import Event, Task

GRACE_SECONDS = 2.0  # in which a process that is stopped may give its cell back

Events = queue.Queue[tuple["Process", Event | None]]


class Process:
    """One process and the thread that reads its events into a queue; after its last event comes None."""

    def __init__(self, task: Task, events: Events) -> None:
        self.events = events
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
        with suppress(subprocess.TimeoutExpired):
            self.process.terminate()
            self.process.wait(GRACE_SECONDS)
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

    def _read(self, events: Events) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                events.put((self, json.loads(line)))
        events.put((self, None))


def stop_all(processes: Iterable[Process]) -> None:
    """End processes, all in the time that one takes."""
    threads = [threading.Thread(target=process.stop) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
