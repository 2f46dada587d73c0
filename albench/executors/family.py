"""The processes that a process started, and theirs: who they are, what memory they take together, their end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil


def descendants(pid: int) -> list[int]:
    """Return the processes that a process and its children started, zombies aside; nothing where it is gone."""
    found = [child for child in _children(pid) if _is_running(child)]
    return [*found, *(further for child in found for further in descendants(child))]


def memory_bytes(pid: int, most: int) -> int:
    """Return the memory that a process and its descendants have resident, 0 where it is gone.

    Pages that several of them share count once for each, which is cheap to ask, as long as that is at most `most`; else
    each has its share of them.
    """
    family = [pid, *descendants(pid)]
    resident = sum(_resident(one) for one in family)
    return resident if resident <= most or len(family) == 1 else sum(_share(one) for one in family)


def end_all(pids: Iterable[int]) -> None:
    """End processes at once; those that are gone are left."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    """Return the children of a process: of each of its threads where the kernel tells, which is cheap (proc(5))."""
    try:
        lists = [path.read_text(encoding="ascii") for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        lists = []
    if lists:
        return [int(word) for text in lists for word in text.split()]
    with suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children()]
    return []


def _is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _share(pid: int) -> int:
    """Return a process's resident memory with its share of what others have too, where the system tells."""
    try:
        full = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", full.rss))
