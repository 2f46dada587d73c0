"""What becomes of memory that was freed: kept for the next iteration of a training, given back before a measurement.

glibc gives the top of its heap back to the system as soon as some megabytes of it are free, so that each iteration
asks for the same pages again, empty: about a twentieth of a training on a CPU. No number depends on it.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

KEPT_BYTES = 256 * 2**20  # of freed memory at most, of a process
LARGE_BYTES = 32 * 2**20  # blocks from this size on are asked for and given back one by one
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # mallopt(3)


def keep_freed() -> None:
    """Let this process keep what it frees, from now on; where the C library is not glibc nothing changes."""
    if library := _glibc():
        library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        library.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)


def give_back_freed() -> None:
    """Give back what is kept, so that what is asked for next counts as memory that it needed."""
    if library := _glibc():
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    """Return the C library of this process where it is glibc, else None."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
