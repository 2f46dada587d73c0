"""What a reader may do with an input, and what is a fault: the same judge in CI and in long runs."""

from __future__ import annotations

import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from albench.errors import AlbenchError

SECONDS = 5.0  # of processor time for one input
MEGABYTES = 500  # that one input may take
LONGEST = 2000  # characters of a message


class Overdue(BaseException):
    """An input took too long; no reader catches it."""


def fault_of(read: Callable[[bytes], object], data: bytes) -> str:
    """Return what is wrong with how a reader takes an input, "" where nothing is: its kind, and where it came from."""
    try:
        with bounded():
            read(data)
    except AlbenchError as error:
        return _fault_of_message(str(error))
    except Overdue as error:
        return f"more than {SECONDS:g} s at {_where(error)}"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is a fault
        return f"{type(error).__name__} at {_where(error)}: {' '.join(str(error).split())[:200]}"
    return ""


def _fault_of_message(message: str) -> str:
    if not message.strip():
        return "an error without a word"
    if len(message.splitlines()) > 1:
        return f"a message of several lines: {message[:200]!r}"
    if len(message) > LONGEST:
        return f"a message of {len(message)} characters: {message[:200]!r}"
    return ""


def _where(error: BaseException) -> str:
    """Return the innermost place in albench's code, and the function in which the error arose."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "albench" in Path(frame.filename).parts[-3:-1] or "albench_" in frame.filename]
    place = own[-1] if own else frames[-1]
    return f"{Path(place.filename).name}:{place.lineno} ({frames[-1].name})"


@contextmanager
def bounded() -> Iterator[None]:
    """Let a block take so much processor time and memory at most: Overdue, MemoryError. Warnings are nobody's fault."""
    before = signal.signal(signal.SIGPROF, _overdue)
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (_taken() + MEGABYTES * 2**20, limits[1]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, limits)
        signal.signal(signal.SIGPROF, before)


def _overdue(_signal: int, _frame: FrameType | None) -> None:
    raise Overdue


def _taken() -> int:
    """Return how many bytes of data this process has, as RLIMIT_DATA counts them."""
    if sys.platform != "linux":
        return 2**40
    pages = Path("/proc/self/statm").read_text(encoding="utf-8").split()[5]
    return int(pages) * resource.getpagesize()
