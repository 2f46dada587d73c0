"""A worker process: tasks come in as lines of JSON, events go out as lines of JSON.

It ends with its parent, so that a killed run leaves no process that still holds cells. That, and SIGTERM, end it in
order: its cell's lease is given back, so that another machine need not wait until it is known to be dead.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from albench.executors.process import GRACE_SECONDS
from albench.running.work import perform

_orphaned = threading.Event()


class _Stopped(BaseException):
    """The process was asked to end."""


def main() -> NoReturn:
    """Perform tasks until standard input ends, or until SIGTERM."""
    signal.signal(signal.SIGTERM, _stop)
    with suppress(_Stopped):
        _perform_all()
    if _orphaned.is_set():
        _end_group()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTERM)
    raise AssertionError("the signal ended the process")


def _stop(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough while the cell is given back
    raise _Stopped


def _perform_all() -> None:
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as events:
        os.dup2(2, 1)  # what a plugin prints must not be read as an event

        def emit(event: Mapping[str, Any]) -> None:
            try:
                events.write(json.dumps(event) + "\n")
                events.flush()
            except BrokenPipeError:  # the run was killed: what is on disk is whole, and no cell failed
                _orphaned.set()
                raise _Stopped from None

        for task in _tasks():
            with _output_to(Path(task["log"])):
                perform(task, emit)
            emit({"event": "idle"})


def _tasks() -> Iterator[Mapping[str, Any]]:
    """Yield tasks as they come; the end of standard input ends the process in seconds, whatever it is doing."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
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


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Send what plugins print, and what native code writes before it dies, to the cell's log."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)  # a store may come from anywhere
        target = os.fdopen(os.open(log, flags, 0o666), "ab", buffering=0)
    except OSError:  # perform says so
        yield
        return
    kept = os.dup(1), os.dup(2)
    with target:
        os.dup2(target.fileno(), 1)
        os.dup2(target.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)


if __name__ == "__main__":
    main()
