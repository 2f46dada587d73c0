"""Leases: a file that says which process works on something, for as long as it shows that it lives.

A lease is taken by linking a written file to its name, which is atomic on local and network disks alike. Its holder
touches it; who is silent for SILENT_SECONDS, by the clock of the disk, may lose it to another. So a holder asks, before
each thing that it writes, whether the lease is still its own (`Lease.check`).
"""

from __future__ import annotations

import json
import os
import re
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

from albench.errors import HeldError, LostError
from albench.store.files import writing

POLL_SECONDS = 0.2
TOUCH_SECONDS = 30
SILENT_SECONDS = 600  # after which a holder may lose its lease
_ASKED = re.compile(r"\..+\.[0-9a-f]{32}\.new")  # see `_beside`


@dataclass(frozen=True)
class Holder:
    """The process that holds a lease, and the token of this lease among all that it ever takes.

    A process is known by its number where boot and PID namespace are the same: two containers may share a host's name.
    When it started tells it from a later one of the same number.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    started: str
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" if self.token else "an unknown process"

    @property
    def place(self) -> tuple[str, str, str]:
        """Where its process can be asked for."""
        return self.host, self.boot, self.namespace


UNKNOWN = Holder("", "", "", 0, "", "")  # of a claim that cannot be read


@dataclass(frozen=True)
class Lease:
    """A lease that this process has taken."""

    path: Path
    what: str
    own: Holder

    @property
    def token(self) -> str:
        """What names this lease, and with it the attempt at what it stands for."""
        return self.own.token

    def check(self) -> None:
        """Raise LostError when the lease is not this process's any more, or never was: a fork has it not."""
        if os.getpid() != self.own.pid:
            raise LostError(f"{self.what} is held by process {self.own.pid}, and not by a fork of it")
        present = holder(self.path)
        if present != self.own:
            now = f"{present} has it now" if present else "its claim is gone"
            raise LostError(
                f"{self.what} is held by this run no more: {now}; it stopped and writes nothing more, and what it had "
                "not stored is left to that run or to the next"
            )


def holder(path: Path) -> Holder | None:
    """Return who holds a lease, dead or alive, or None; UNKNOWN where the claim cannot be read."""
    try:
        found = json.loads(path.read_bytes())
        names = Holder.__dataclass_fields__
        if found.keys() != names.keys() or type(found["pid"]) is not int or found["pid"] < 1:
            return UNKNOWN
        if not all(isinstance(found[name], str) for name in names if name != "pid") or not found["token"].isalnum():
            return UNKNOWN
        return Holder(**found)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, AttributeError, RecursionError):
        return UNKNOWN


def live_holder(path: Path) -> Holder | None:
    """Return who holds a lease and lives, or None."""
    found = holder(path)
    return found if found and _is_alive(found, path) else None


@contextmanager
def leased(path: Path, what: str, wait: bool = False) -> Iterator[Lease]:
    """Hold a lease for the length of a block.

    Raises HeldError, which names the holder, when another has it and `wait` is False, and WriteError.
    """
    lease = Lease(path, what, _new_holder())
    while (claim := _take(lease)) is None:
        present = holder(path)
        if present is None:
            continue
        if not _is_alive(present, path):
            _break(path, present)
        elif wait and present is not UNKNOWN:
            time.sleep(POLL_SECONDS)
        else:
            raise HeldError(f"{what} is held by {present}; wait for it, or stop it (if it is gone, delete {path})")
    _remove_asked(path.parent, os.fstat(claim).st_mtime)
    done = threading.Event()
    threading.Thread(target=_touch, args=(claim, done), daemon=True).start()
    try:
        yield lease
    finally:
        done.set()
        with suppress(OSError):
            if os.getpid() == lease.own.pid and holder(path) == lease.own:
                path.unlink(missing_ok=True)


def _take(lease: Lease) -> int | None:
    """Return the open file of a new claim, None when there is one already."""
    temporary = _beside(lease.path)
    with writing(lease.path):
        lease.path.parent.mkdir(parents=True, exist_ok=True)
        claim = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            os.write(claim, json.dumps(asdict(lease.own)).encode())
            os.link(temporary, lease.path)
        except (FileExistsError, FileNotFoundError):  # the latter: it was paused, and taken for dead
            os.close(claim)
            return None
        except BaseException:
            os.close(claim)
            raise
        finally:
            temporary.unlink(missing_ok=True)
    return claim


def _touch(claim: int, done: threading.Event) -> None:
    """Show that the holder lives: write to its own file, which another's of the same name is not."""
    while not done.wait(TOUCH_SECONDS):
        with suppress(OSError):
            os.pwrite(claim, b"{", 0)  # the disk sets the time, where os.utime might take this machine's
            os.fsync(claim)
    os.close(claim)


def _break(path: Path, dead: Holder) -> None:
    """Remove a dead holder's claim, and only that one.

    Two that find the same dead claim could otherwise remove each other's new one. So whoever removes it holds a lease
    that is named after it; a token is never used again.
    """
    stone = path.with_name(f".{path.name}.{dead.token}.dead")
    with leased(stone, f"the end of {path}", wait=True), writing(path):
        if holder(path) == dead:
            path.unlink(missing_ok=True)


def _is_alive(found: Holder, path: Path) -> bool:
    """Return whether a holder may be at work: its process, where it can be asked, lives, and it was not silent."""
    if found is UNKNOWN and _is_empty(path):  # a crash of the machine: a claim is linked only when it is written
        return False
    if found.place == _place() and _started(found.pid) != found.started:
        return False
    return _silence(path) < SILENT_SECONDS


def _silence(path: Path) -> float:
    """Return for how many seconds a claim was not touched, by the clock of the disk that it is on."""
    probe = _beside(path)
    try:
        probe.touch()
        return probe.stat().st_mtime - path.stat().st_mtime
    except OSError:  # a disk that cannot be written has nothing to lose
        return 0.0
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """Return a name that nobody else has, and that no holder takes for a leftover of its own."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")


def _remove_asked(folder: Path, now: float) -> None:
    """Remove what processes left that died while they asked for a lease; who asks now has a file of the same kind."""
    with suppress(OSError):  # one that is gone meanwhile ends it, until the next lease
        for path in folder.glob(".*.new"):
            if _ASKED.fullmatch(path.name) and now - path.stat().st_mtime > SILENT_SECONDS:
                path.unlink()


def _is_empty(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size == 0
    except OSError:
        return False


def _new_holder() -> Holder:
    pid = os.getpid()
    return Holder(*_place(), pid, _started(pid) or "", uuid.uuid4().hex[:16])


def _place() -> tuple[str, str, str]:
    return socket.gethostname(), *_kernel(os.getpid())


@cache
def _kernel(pid: int) -> tuple[str, str]:  # noqa: ARG001 - a forked process may be in another namespace
    """Return what names this start of the machine and this PID namespace, "" where the system has no such thing."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return boot, str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return "", ""


def _started(pid: int) -> str | None:
    """Return when a process started, in a form that a change of the clock does not change; None when it is gone."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return fields[19]  # ticks since the machine started: field 22 of proc(5), counted after the name
    except OSError:
        return f"{process.create_time():.0f}"
    except psutil.NoSuchProcess:
        return None
