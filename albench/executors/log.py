"""What a cell prints: a file that keeps its beginning and its end, however much that is."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

KEPT_BYTES = 256 * 2**10  # of the beginning of a log, and as much of its end
SAID_BYTES = 2000  # of the end that are remembered for an obituary
_MARK = re.compile(rb"\n\[\.\.\. (\d+) bytes are left out here \.\.\.\]\n")


class Log:
    """The file that takes what a cell prints, `log.txt`, to which others may append as well.

    Where it grows beyond three times KEPT_BYTES its middle is left out, and a line says how much that was. Where it
    cannot be written nothing is kept but the last words.
    """

    def __init__(self, path: Path) -> None:
        self._said = b""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)  # a store may come from anywhere
        self._file: int | None = None
        with suppress(OSError):  # the cell says so itself
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, flags, 0o666)

    def write(self, data: bytes) -> None:
        """Add what was printed."""
        self._said = (self._said + data)[-SAID_BYTES:]
        if self._file is None:
            return
        with suppress(OSError):  # a full disk: what a strategy prints is not worth its cell
            os.write(self._file, data)
            if os.fstat(self._file).st_size > 3 * KEPT_BYTES:
                self._cut(self._file)

    def last_words(self, lines: int = 3) -> str:
        """Return the last lines that were printed, as one."""
        found = self._said.decode("utf-8", "replace").splitlines()
        return " ".join(" ".join(found[-lines:]).split())[-300:]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __del__(self) -> None:
        self.close()

    @staticmethod
    def _cut(file: int) -> None:
        """Leave out what is between the first and the last KEPT_BYTES."""
        length = os.fstat(file).st_size
        before = _MARK.match(os.pread(file, 100, KEPT_BYTES))
        tail = os.pread(file, KEPT_BYTES, length - KEPT_BYTES)
        start = KEPT_BYTES + (len(before[0]) if before else 0)
        left_out = length - KEPT_BYTES - start + (int(before[1]) if before else 0)
        os.ftruncate(file, KEPT_BYTES)
        os.write(file, b"\n[... %d bytes are left out here ...]\n" % left_out + tail)
