"""Claims: a file that says which process works on something; a dead process's claim is taken over at once.

A claim is made by linking a written file to its name, which is atomic on local and network disks alike.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import psutil

from albench.errors import HeldError, WriteError

POLL_SECONDS = 0.2
TOUCH_SECONDS = 30
SILENT_SECONDS = 600  # after which a claim of another host is taken for dead: its process cannot be asked


@dataclass(frozen=True)
class Holder:
    """The process that holds a claim; when it started tells it from a later one of the same number."""

    host: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


UNREADABLE = Holder("nobody", 0, "")  # a claim that a crash of the machine left empty


def _started(pid: int) -> str | None:
    """Return when a process started, in a form that a change of the clock does not change; None when it is gone."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot} {fields[19]}"  # ticks since the machine started: field 22 of proc(5), counted after the name
    except OSError:
        return f"{process.create_time():.0f}"
    except psutil.NoSuchProcess:
        return None


@cache
def _this_process(pid: int) -> Holder:
    return Holder(socket.gethostname(), pid, _started(pid) or "")


def holder(path: Path) -> Holder | None:
    """Return who holds a claim, dead or alive, or None."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError):
        return UNREADABLE


def live_holder(path: Path) -> Holder | None:
    """Return who holds a claim and is alive, or None."""
    found = holder(path)
    return found if found and _is_alive(found, path) else None


def _is_alive(found: Holder, path: Path) -> bool:
    """Return whether a holder lives: a process of this host is asked, one of another must have touched its claim."""
    if found is UNREADABLE:
        return False
    if found.host == socket.gethostname():
        return _started(found.pid) == found.started
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime < SILENT_SECONDS
    return False


@contextmanager
def claimed(path: Path, what: str, wait: bool = False) -> Iterator[None]:
    """Hold a claim for the length of a block.

    Raises HeldError, which names the holder, when a live process has it and `wait` is False.
    """
    while not _take(path):
        present = holder(path)
        if present is None:
            continue
        if not _is_alive(present, path):
            _break(path, present)
        elif wait:
            time.sleep(POLL_SECONDS)
        else:
            raise HeldError(f"{what} is held by {present}; wait for it, or stop it (if it is gone, delete {path})")
    done = threading.Event()
    threading.Thread(target=_touch, args=(path, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        path.unlink(missing_ok=True)


def _touch(path: Path, done: threading.Event) -> None:
    """Show other hosts that the holder lives."""
    while not done.wait(TOUCH_SECONDS):
        with suppress(OSError):
            os.utime(path)


def _take(path: Path) -> bool:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(asdict(_this_process(os.getpid()))), encoding="utf-8")
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise WriteError(f"{path} cannot be written ({error}); free space or permit writing, and run again") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return True


def _break(path: Path, dead: Holder) -> None:
    """Remove a dead process's claim, and only that one.

    Two that find the same dead claim could otherwise remove each other's new one. Whoever makes the gravestone,
    which is named after the dead process, removes the claim; the gravestone goes once the claim is gone.
    """
    stone = path.with_name(f".{path.name}.dead-{dead.pid}-{hashlib.sha256(dead.started.encode()).hexdigest()[:8]}")
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
