"""What a target is, and the folder that its files lie in."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from tests.fuzz.mutation import mutated

Mutate = Callable[[bytes, Random], bytes]


@dataclass(frozen=True)
class Target:
    """A reader of bytes, inputs to begin with, valid or nasty, and how one is changed."""

    read: Callable[[bytes], object]
    inputs: Callable[[], Sequence[bytes]]
    mutate: Mutate = mutated


@cache
def folder() -> Path:
    """Return a folder of this process, in memory where the system has such a place."""
    shared = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="albench-fuzz-", dir=shared if shared.is_dir() else None))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


def reading(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a reader of bytes from one of a file of a name."""

    def read_bytes(data: bytes) -> object:
        path = folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return read(path)

    return read_bytes
