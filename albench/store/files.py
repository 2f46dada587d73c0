"""Files that are whole or absent: written under a temporary name and moved into place."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from albench.errors import WriteError

_SUFFIX = ".part"
PERMIT = "ask its owner to let your group in (chmod -R g+rwXs on the store, umask 002 for runs)"
Check = Callable[[], None]


def unchecked() -> None:
    """Permit a file to be replaced."""


@contextmanager
def replacing(path: Path, check: Check = unchecked) -> Iterator[Path]:
    """Give a temporary path beside `path`; what was written there takes its place at the end, or vanishes.

    `check` is called at the last moment, and may refuse by raising. Raises WriteError when the disk does not take it.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}{_SUFFIX}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            check()
            temporary.replace(path)
        except FileNotFoundError:  # whoever took a lease over removes what its former holder was writing
            check()
            raise
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def appending(path: Path) -> Iterator[TextIO]:
    """Open a text file to append to it; WriteError when the disk does not take what is written."""
    with writing(path), open(path, "a", encoding="utf-8", errors="replace", opener=no_link) as file:
        yield file


def no_link(path: str, flags: int) -> int:
    """Open a file, and none that a link in its place leads to: a store may come from anywhere."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed process left in a folder that the caller has claimed."""
    for pattern in (f".*{_SUFFIX}", ".*.dead"):  # the latter of leases
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in a sentence what the system refuses while a path is written."""
    try:
        yield
    except PermissionError as error:
        raise WriteError(f"{path} cannot be written: {whose(path)}; {PERMIT}") from error
    except OSError as error:
        raise WriteError(f"{path} cannot be written ({error}); free space or permit writing, and run again") from error


def whose(path: Path) -> str:
    """Return in words whom a path belongs to that this process may not use, or the folder that it would lie in."""
    for place in (path, *path.parents):
        try:
            owner = place.owner() if place.exists() else ""
        except KeyError:  # a number without a name
            owner = f"user {place.stat().st_uid}"
        except OSError:  # in a folder that cannot be entered
            continue
        if owner:
            return f"{place} belongs to {owner}, and permission is denied"
    return "permission is denied"


def write_bytes(path: Path, data: bytes, check: Check = unchecked) -> None:
    """Replace a file's content at once."""
    with replacing(path, check) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Replace a file's text at once; half a surrogate pair, as an undecodable file name has, becomes "?"."""
    write_bytes(path, text.encode("utf-8", "replace"))
