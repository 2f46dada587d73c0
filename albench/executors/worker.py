"""A worker process: tasks come in on one pipe, events go out on another; what is printed goes to a third.

It ends with its parent, so that a killed run leaves no process that still holds cells. That, and SIGTERM, end it in
order: its cell's lease is given back, so that another machine need not wait until it is known to be dead.
"""

from __future__ import annotations

import io
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from albench.executors.channel import event_line
from albench.executors.leftovers import Before
from albench.executors.process import GRACE_SECONDS
from albench.running.work import perform

_orphaned = threading.Event()
_stopping = threading.Event()


class _Stopped(BaseException):
    """The process was asked to end."""


def main() -> NoReturn:
    """Perform tasks until their pipe ends, or until SIGTERM; arguments are the descriptors of the pipes."""
    tasks, events, printed = map(int, sys.argv[1:4])
    sys.argv[1:] = []
    for descriptor in (tasks, events, printed):  # the last stays open: who prints to a run that is gone sees no error
        os.set_inheritable(descriptor, False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.breakpointhook = _no_breakpoint
    signal.signal(signal.SIGTERM, _stop)
    with suppress(_Stopped):
        _perform_all(tasks, _Teller(events))
    if _orphaned.is_set():
        _end_group()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTERM)
    raise AssertionError("the signal ended the process")


def _stop(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough while the cell is given back
    _stopping.set()
    raise _Stopped


def _no_breakpoint(*_: object, **__: object) -> NoReturn:
    raise RuntimeError(
        "breakpoint() in a worker process, which has no terminal; take it out, or call the component in a process of "
        "yours, with albench.testing.make_query()"
    )


class _Teller:
    """Writes the events of a task into a pipe."""

    def __init__(self, descriptor: int) -> None:
        self.token = ""
        self._descriptor = descriptor
        self._owner = os.getpid()

    def emit(self, event: Mapping[str, Any]) -> None:
        """Tell the run of an event."""
        if os.getpid() != self._owner:  # a fork that a plugin let go on as if it were this process
            os._exit(1)
        if _stopping.is_set():  # and what a plugin made of being stopped is no end of its cell
            raise _Stopped
        line = memoryview(event_line(event, self.token))
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except BrokenPipeError:  # the run was killed: what is on disk is whole, and no cell failed
            _orphaned.set()
            raise _Stopped from None
        except OSError:  # a plugin closed it, which the run sees
            raise _Stopped from None


def _perform_all(tasks: int, teller: _Teller) -> None:
    for message in _messages(tasks):
        teller.token = message["token"]
        teller.emit({"event": "begun"})
        before = Before()
        try:
            perform(message["task"], teller.emit)
        except _Stopped:
            raise
        except BaseException:  # noqa: BLE001 - such as a KeyboardInterrupt: the end of the process, and not in silence
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        left = before.left()
        with suppress(Exception):  # of streams that a plugin closed or replaced
            for what in left:
                print(f"warning: the cell left {what} behind; its process is not used again", file=sys.stderr)  # noqa: T201
            sys.stdout.flush()
            sys.stderr.flush()
        teller.emit({"event": "idle", "left": left})


def _messages(tasks: int) -> Iterator[Mapping[str, Any]]:
    """Yield tasks as they come; the end of their pipe ends the process in seconds, whatever it is doing."""
    lines: queue.Queue[bytes] = queue.Queue()

    def read() -> None:
        with suppress(OSError), os.fdopen(tasks, "rb") as file:
            for line in file:
                lines.put(line)
        _orphaned.set()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        _end_group()

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield json.loads(lines.get())


def _end_group() -> NoReturn:
    """End this process, and what plugins started where it has a session of its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main()
