"""Whether a cell under way takes more than it may, and whether it is still heard of."""

from __future__ import annotations

import time
from dataclasses import dataclass

from albench.contracts.executor import Event, Task
from albench.errors import TIMED_OUT
from albench.executors.family import memory_bytes
from albench.running.limits import SILENT_SECONDS, gigabytes, in_words

TIME = "time"  # the limit for which a further run tries again
IDLE_SECONDS = 60.0  # in which a process is ready for more once its cell is over
_ENDS = ("done", "failed", "held")


@dataclass(frozen=True)
class Exceeded:
    """Why a process was ended: a sentence, and which limit of its task that was, "" where it was none."""

    limit: str
    reason: str


FORGED = Exceeded(
    "",
    "its worker process was ended: something wrote to the pipe of its events what is no event; let plugins write to "
    "files that they opened, and to standard output",
)
CLOSED = Exceeded(
    "",
    "its worker process was ended: something closed the pipe of its events; let plugins close what they opened, and no "
    "range of descriptors",
)


class Watch:
    """A task under way: since when, and when it was last heard of."""

    def __init__(self, task: Task) -> None:
        self.is_over = False
        self._task = task
        self._since = float("inf")  # that a process takes to start is no time of its cell
        self._heard = time.monotonic()
        self._silent_seconds = SILENT_SECONDS
        self._last = "it was given to a process"

    def note(self, event: Event) -> None:
        """Take note of an event of the task."""
        self._heard, self._silent_seconds = time.monotonic(), SILENT_SECONDS
        if event["event"] == "begun":
            self._since, self._last = self._heard, "it began"
        elif event["event"] == "round":
            self._last = f"round {event['row']['round']}"
        self.is_over = self.is_over or event["event"] in _ENDS

    def silence(self) -> Event | None:
        """Return what tells that nothing was heard for long: after SILENT_SECONDS, twice as long, and so on."""
        silent = time.monotonic() - self._heard
        if self.is_over or silent < self._silent_seconds:
            return None
        self._silent_seconds *= 2
        what = (
            f"nothing heard for {in_words(silent // 60 * 60 or silent)}, since {self._last}; if it hangs, stop it, and "
            "run with --cell-timeout"
        )
        return {"event": "silent", "cell": self._task["name"], "reason": what}

    def exceeded(self, pid: int) -> Exceeded | None:
        """Return the limit that the task or its process is beyond, None where there is none."""
        if self.is_over:
            is_late = time.monotonic() - self._heard > IDLE_SECONDS
            return Exceeded("", "its process did not get ready for another cell") if is_late else None
        most = self._task.get("cell_timeout")
        if most is not None and time.monotonic() - self._since > most:
            kept = "what it had finished is kept, and the same command goes on from there"
            return Exceeded(TIME, f"{TIMED_OUT} after {in_words(most)} (--cell-timeout); {kept}")
        allowed = self._task.get("memory")
        taken = memory_bytes(pid, allowed) if allowed is not None else 0
        if allowed is not None and taken > allowed:
            return Exceeded(
                "memory",
                f"its worker process took {gigabytes(taken)} of memory, and --memory allows {gigabytes(allowed)}; "
                "allow more, run fewer cells at a time (--jobs), or let the strategy work in parts",
            )
        return None
