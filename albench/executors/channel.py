"""The lines between a run and a worker process: tasks one way, events the other, in a form that is no accident.

A line of events is the token of the task, a space and JSON. A plugin that writes into the descriptor, whatever it
writes, makes a line that is none, and that is the end of its worker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from albench.contracts.executor import Event, Task

MOST_LINE = 2**28  # bytes of a line: rounds name what they asked for, and a pool may have millions of files
KINDS = ("begun", "round", "training", "done", "failed", "held", "idle")


class ForgedError(Exception):
    """A line that no worker wrote."""


def task_line(task: Task, token: str) -> bytes:
    """Return the line that gives a task to a worker, which begins its own with the token."""
    return json.dumps({"token": token, "task": dict(task)}).encode() + b"\n"


def event_line(event: Mapping[str, Any], token: str) -> bytes:
    """Return the line that tells of an event."""
    return f"{token} {json.dumps(event)}\n".encode()


class Lines:
    """Events from bytes as they come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def events(self, data: bytes, token: str, name: object) -> Iterator[Event]:
        """Yield the events of a task, of this token and name, that further bytes complete; ForgedError."""
        *whole, rest = data.split(b"\n")
        for line in whole:
            yield _event(b"".join([*self._parts, line]), token, name)
            self._parts, self._length = [], 0
        self._parts.append(rest)
        self._length += len(rest)
        begin, begun = _beginning(token), b"".join(self._parts[:2])[: len(token) + 1]
        if self._length > MOST_LINE or not begin.startswith(begun):  # the rest may never come
            raise ForgedError


def _event(line: bytes, token: str, name: object) -> Event:
    """Return the event of a line; ForgedError for one that is none of this task."""
    begin = _beginning(token)
    if not line.startswith(begin):
        raise ForgedError
    try:
        event = json.loads(line[len(begin) :])
        known = event["event"] in KINDS and event.get("cell", name) == name
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise ForgedError from None
    if not known:
        raise ForgedError
    return dict(event)


def _beginning(token: str) -> bytes:
    return f"{token} ".encode()
