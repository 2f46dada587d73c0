"""Claims: a file that says which process works on something; a dead process's claim is taken over at once.

A claim is made by linking a written file to its name, which is atomic on local and network disks alike.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import psutil

from albench.errors import HeldError

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Holder:
    """The process that holds a claim; its start time tells it from a later one of the same number."""

    host: str
    pid: int
    started: float

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def is_alive(self) -> bool:
        """Return False only for a process of this host that is gone; other hosts cannot be asked."""
        if self.host != socket.gethostname():
            return True
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


@cache
def _this_process(pid: int) -> Holder:
    return Holder(socket.gethostname(), pid, psutil.Process(pid).create_time())


def holder(path: Path) -> Holder | None:
    """Return who holds a claim, dead or alive, or None."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None


def live_holder(path: Path) -> Holder | None:
    """Return who holds a claim and is alive, or None."""
    found = holder(path)
    return found if found and found.is_alive() else None


@contextmanager
def claimed(path: Path, what: str, wait: bool = False) -> Iterator[None]:
    """Hold a claim for the length of a block.

    Raises HeldError, which names the holder, when a live process has it and `wait` is False.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while not _take(path):
        present = holder(path)
        if present is None:
            continue
        if not present.is_alive():
            _break(path, present)
        elif wait:
            time.sleep(POLL_SECONDS)
        else:
            raise HeldError(f"{what} is held by {present}; wait for it, or stop it (if it is gone, delete {path})")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _take(path: Path) -> bool:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    temporary.write_text(json.dumps(asdict(_this_process(os.getpid()))), encoding="utf-8")
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _break(path: Path, dead: Holder) -> None:
    """Remove a dead process's claim, and only that one.

    Two that find the same dead claim could otherwise remove each other's new one. Whoever makes the gravestone,
    which is named after the dead process, removes the claim; the gravestone goes once the claim is gone.
    """
    stone = path.with_name(f".{path.name}.dead-{dead.pid}-{dead.started:.0f}")
    try:
        stone.touch(exist_ok=False)
    except FileExistsError:
        with suppress(FileNotFoundError):
            if time.time() - stone.stat().st_mtime > 10:  # its maker died in between
                stone.unlink()
        time.sleep(POLL_SECONDS / 10)
        return
    try:
        if holder(path) == dead:
            path.unlink(missing_ok=True)
    finally:
        stone.unlink(missing_ok=True)
