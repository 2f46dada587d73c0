"""What a file or a folder holds, as the keys of results have it: the same wherever it lies and however it is called."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from albench.errors import RequestError, reason

SHOWN_DIGITS = 8  # of a SHA-256, in labels

_digests: dict[tuple[str, int, int], str] = {}  # by a file's path, size and time of change


def content_digest(path: str | Path, where: str) -> str:
    """Return the SHA-256 of a file's bytes, or of the names and bytes of all files of a folder.

    A file is read once a state of it. `where` opens the message of the RequestError for one that cannot be read.
    """
    root = Path(path)
    try:
        if not root.is_dir():
            return _of_file(root)
        lines = [
            f"{file.relative_to(root).as_posix()!a} {_of_file(file)}\n"
            for file in sorted(root.rglob("*"))
            if file.is_file()
        ]
    except OSError as error:
        what = error.strerror or reason(error)
        raise RequestError(f"{where}: {root} cannot be read ({what}); give the path of what is there") from None
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _of_file(path: Path) -> str:
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):  # a pipe would be waited for, and a device has no end
        raise OSError("it is no file")
    key = (str(path.resolve()), state.st_size, state.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]
