"""Where a store's files are read from: a folder here, an archive in `archive`."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from albench.errors import DamageError, StoreError
from albench.store.files import PERMIT, whose

STUDY = "study.json"
CELL, ROUNDS, OUTCOME, CHECKPOINT = "cell.json", "rounds.jsonl", "outcome.json", "checkpoint.safetensors"
RESULTS = (CELL, ROUNDS, OUTCOME)
_CELL_FILES = "|".join(map(re.escape, (*RESULTS, CHECKPOINT)))
_PART = r"(?!\.+/)[^/\\\0]+"  # of a path, and none that leads upwards
FILE = re.compile(
    rf"{re.escape(STUDY)}|"
    rf"cells/(?P<cell>{_PART}/{_PART}/seed-\d+-[0-9a-f]{{8}})/(?P<name>{_CELL_FILES})|"
    rf"initial/{_PART}/seed-\d+-[0-9a-f]{{8}}\.safetensors"
)

_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe is not waited for


class Source(ABC):
    """The files of a store by their names, such as ``cells/digits/min/seed-0-1a2b3c4d/rounds.jsonl``.

    What was read is remembered by its SHA-256, so that a checksum over all of it reads nothing twice.
    """

    mend = "run the study again, which restores the cell from its checkpoint, or delete the cell's folder to start over"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._digests: dict[str, str] = {}

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none; DamageError, and StoreError where it may not be read."""
        data = self._read(name)
        if data is not None:
            self._digests[name] = hashlib.sha256(data).hexdigest()
        return data

    def glance(self, name: str) -> bytes | None:
        """Return what `read` returns, and remember nothing of it."""
        return self._read(name)

    def where(self, name: str) -> str:
        """Return what a message calls a file."""
        return str(self.path / name)

    def checksum(self) -> str:
        """Return the SHA-256 of the lines "<sha256>  <name>" of the files that hold results, by name.

        They are study.json and each cell's cell.json, rounds.jsonl and outcome.json. In a shell, in the store's
        folder: ``find study.json cells -name '*.json*' -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum |
        sha256sum``.
        """
        digest = hashlib.sha256()
        for name in sorted(name for name in self.names() if not name.endswith(".safetensors")):
            if name in self._digests or self.read(name) is not None:
                digest.update(f"{self._digests[name]}  {name}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    @abstractmethod
    def names(self) -> Iterable[str]:
        """Return the names of the files that a store has (see `FILE`)."""

    @abstractmethod
    def _read(self, name: str) -> bytes | None:
        """Return a file's content; see `read`."""


class Folder(Source):
    """A store's folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._root = str(path)

    def names(self) -> Iterable[str]:
        """Return the names of the files that are there."""
        patterns = (STUDY, "cells/*/*/*/*.json*", "cells/*/*/*/*.safetensors", "initial/*/*.safetensors")
        found = (path for pattern in patterns for path in self.path.glob(pattern))
        names = (path.relative_to(self.path).as_posix() for path in found if path.is_file())
        return [name for name in names if FILE.fullmatch(name)]

    def _read(self, name: str) -> bytes | None:
        try:
            file = os.open(f"{self._root}/{name}", _READ)  # a path object costs as much as reading
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            where = self.path / name
            raise StoreError(f"{where} cannot be read: {whose(where)}; {PERMIT}") from None
        except OSError as error:
            raise DamageError(f"it cannot be read ({error.strerror or error})") from None
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise DamageError("it is no file")
            data = os.read(file, status.st_size + 1)
            if len(data) == status.st_size:
                return data
            with os.fdopen(os.dup(file), "rb") as rest:  # it grew meanwhile, or is larger than one call reads
                return data + rest.read()
        except OSError as error:
            raise DamageError(f"it cannot be read ({error.strerror or error})") from None
        finally:
            os.close(file)
