"""A reusable worker process of this machine: tasks in, events out, one cell at a time."""

from __future__ import annotations

import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any

from albench.contracts.executor import Emit, Event, Task
from albench.errors import MOST_TEXT, cut
from albench.executors.channel import ForgedError, Lines, task_line
from albench.executors.family import descendants, end_all
from albench.executors.log import Log
from albench.executors.watch import CLOSED, FORGED, Exceeded, Watch

GRACE_SECONDS = 2.0  # in which a process that is stopped may give its cell back
TICK_SECONDS = 0.2  # between two looks at what a cell takes
WORKER = "albench.executors.worker"
_CHUNK = 2**16  # bytes that a pipe holds, and that are read at once

Events = queue.Queue[tuple["Process", Event | None]]


class Process:
    """One process and the thread that reads what it says; after its last event comes None.

    Tasks and events have pipes of their own, which nobody finds by habit: standard input is empty, and standard output
    and error are the cell's log. Whatever is on the pipe of events, this side goes on: a line that is no event ends the
    process (see `channel`), as do limits (see `watch`).
    """

    def __init__(self, task: Task, events: Events) -> None:
        self.events = events
        self.left: list[str] = []  # what tasks left behind in it, in words
        self._is_gone = False
        self._is_used = False  # whether it has finished a task
        self._ended_for: Exceeded | None = None
        self._kill_at, self._looked = float("inf"), 0.0
        theirs_in, ours = os.pipe()
        self._tasks = os.fdopen(ours, "wb")
        self._told, theirs_out = os.pipe()
        self._printed, printing = os.pipe()
        passed = (theirs_in, theirs_out, self._printed)
        threads = str(task["threads"])
        limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        self.process = subprocess.Popen(  # noqa: S603 - this module of ours
            [sys.executable, "-P", "-m", WORKER, *map(str, passed)],  # -P: a file random.py in the folder stays out
            stdin=subprocess.DEVNULL,
            stdout=printing,
            stderr=printing,
            pass_fds=passed,
            env={**os.environ, **limits},
            start_new_session=True,  # so that what it started can be ended with it; Ctrl+C reaches the parent alone
        )
        for descriptor in (theirs_in, theirs_out, printing):
            os.close(descriptor)
        os.set_blocking(self._printed, False)
        self._begin(task)
        threading.Thread(target=self._follow, daemon=True).start()
        self._send()

    def give(self, task: Task) -> None:
        """Start a task; a process that is already gone shows itself at the end of its events."""
        self._begin(task)
        self._send()

    @property
    def is_over(self) -> bool:
        """Whether it has said how its task ended."""
        return self._watch.is_over

    @property
    def is_ready(self) -> bool:
        """Whether it waits for another task, as it was before the last."""
        return self._is_waiting and not self.left

    @property
    def is_lost(self) -> bool:
        """Whether it died between two tasks, so that another process may do the second."""
        return self._is_gone and self._is_used and not self._has_begun

    def stop(self) -> None:
        """End the process; what it had finished is on disk."""
        with suppress(subprocess.TimeoutExpired):
            self.process.terminate()
            self.process.wait(GRACE_SECONDS)
        self._kill()

    def obituary(self) -> dict[str, Any]:
        """Return the event of a task whose process died under it."""
        code = self.process.wait()
        died = {"event": "died", "cell": self.task["name"]}
        if self._ended_for is not None:
            limit = {"limit": self._ended_for.limit} if self._ended_for.limit else {}
            return {**died, "reason": self._ended_for.reason, **limit}
        if code < 0:
            cause = ", and out of memory is the usual cause" if -code == signal.SIGKILL else ""
            how, why = f"killed by signal {_signal_name(-code)}", f"the cell's log.txt may say why{cause}"
        else:
            how, why = f"exit code {code}", "the cell's log.txt may say more"
        said = self._log.last_words()
        words = f"its last words: {said}; " if said else ""
        return {**died, "reason": f"its worker process died ({how}); {words}{why}"}

    def _begin(self, task: Task) -> None:
        self.task = task
        self._token = secrets.token_hex(8)
        self._has_begun = False
        self._watch = Watch(task)
        self._log = Log(Path(task["log"]))
        self._is_waiting = False

    def _send(self) -> None:
        with suppress(OSError, ValueError):  # ValueError: its pipe is closed already
            self._tasks.write(task_line(self.task, self._token))
            self._tasks.flush()

    def _follow(self) -> None:
        """Pass on what the process says until its end; whatever happens here, that end is told."""
        try:
            self._listen()
        finally:
            self._bury()

    def _listen(self) -> None:
        """Pass on what the process says until it is gone, or nobody can know."""
        lines = Lines()
        with DefaultSelector() as ready:
            ready.register(self._told, EVENT_READ, lambda: self._hear(lines))
            ready.register(self._printed, EVENT_READ, self._take_printed)
            is_gone = False
            while self._told in ready.get_map() and not is_gone:
                is_gone = self.process.poll() is not None  # then all that it said is in the pipes
                for key, _ in ready.select(0 if is_gone else TICK_SECONDS):
                    if not key.data():
                        ready.unregister(key.fd)
                self._look()

    def _hear(self, lines: Lines) -> bool:
        """Pass on the events of a chunk; False where there will be no more."""
        data = os.read(self._told, _CHUNK)
        try:
            for event in lines.events(data, self._token, self.task["name"]):
                self._pass_on(event)
        except ForgedError:
            self._end(FORGED)
            return False
        return bool(data)

    def _pass_on(self, event: Event) -> None:
        self._watch.note(event)
        if event["event"] == "begun":
            self._has_begun = True
            return
        if event["event"] == "idle":
            if self._ended_for is not None:
                return
            self._take_printed()  # what the cell printed is in the pipe by now
            self._log.close()
            self.left = [cut(str(what), MOST_TEXT) for what in event["left"]]
            self._is_used = self._is_waiting = True
        self.events.put((self, event))

    def _take_printed(self) -> bool:
        """Add a chunk to the log; False where nobody can print any more."""
        try:
            data = os.read(self._printed, _CHUNK)
        except BlockingIOError:
            return True
        self._log.write(data)
        return bool(data)

    def _look(self) -> None:
        """End the process where it takes more than it may; tell where nothing is heard of it."""
        now = time.monotonic()
        if now > self._kill_at:
            self.process.kill()
        if self._is_waiting or self._ended_for is not None or now < self._looked + TICK_SECONDS:
            return
        self._looked = now
        if exceeded := self._watch.exceeded(self.process.pid):
            self._end(exceeded, at_once=exceeded.limit == "memory")
        elif silence := self._watch.silence():
            self.events.put((self, silence))

    def _end(self, exceeded: Exceeded, at_once: bool = False) -> None:
        """Begin to end the process, with time to give its cell back unless at once."""
        self._ended_for = exceeded
        if at_once:
            self._kill()
        else:
            self.process.terminate()
            self._kill_at = time.monotonic() + GRACE_SECONDS

    def _bury(self) -> None:
        """End a process that is as good as dead, and what it started, which would hide its death."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_SECONDS)
        if self.process.poll() is None and self._ended_for is None:
            self._ended_for = CLOSED
        self._kill()
        self._take_printed()
        self._log.close()
        with suppress(OSError):  # of a task that nobody took
            self._tasks.close()
        for descriptor in (self._told, self._printed):
            os.close(descriptor)
        self._is_gone, self._is_waiting = True, False
        self.events.put((self, None))

    def _kill(self) -> None:
        """End the process and what it started, what left its group with it."""
        started = descendants(self.process.pid) if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        end_all(started)


def emit_end(process: Process, event: Event | None, emit: Emit) -> None:
    """Emit what the end of a task comes to, where its process is gone (None), or idle and not what it was."""
    if event is None and not process.is_over:
        emit(process.obituary())
    elif event is not None and process.left:
        what = f"it left behind {', '.join(process.left)}; other cells get another process"
        emit({"event": "left", "cell": process.task["name"], "reason": what})


def stop_all(processes: Iterable[Process]) -> None:
    """End processes, all in the time that one takes."""
    threads = [threading.Thread(target=process.stop) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # of real time
        return str(number)
