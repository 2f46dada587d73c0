"""A folder of class folders: which files there are, and what is left out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from albench import DataError, reason

SUFFIXES = (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


class Found(NamedTuple):
    """A file of a class, and what tells that it has changed."""

    label: int
    path: Path
    size: int
    changed: int  # nanoseconds


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder by class, in the order of their names, and what of it is left out."""

    classes: tuple[str, ...]
    files: tuple[Found, ...]
    notes: tuple[str, ...]


def listing(root: Path) -> Listing:
    """Return the pictures of a folder whose folders are classes; DataError for what is no such folder."""
    try:
        walk = _Walk(root)
        tops = [path for path in sorted(root.iterdir()) if not path.name.startswith(".")]
    except OSError as error:
        raise DataError(
            f"{root} cannot be read ({_why(error)}); give a folder that holds a folder of images for each class"
        ) from None
    classes: list[str] = []
    files: list[Found] = []
    for folder in [path for path in tops if walk.enter(path)]:
        own = [Found(len(classes), *one) for one in walk.pictures(folder)]
        if own:
            classes.append(readable(Path(folder.name)))
            files += own
        else:
            walk.leave_out(folder, "it holds no images")
    return Listing(tuple(classes), tuple(files), tuple(walk.notes + walk.note_of_others()))


def unsorted(root: Path) -> Listing:
    """Return all pictures of a folder and of those below it, of one class without a name; DataError for no folder."""
    try:
        walk = _Walk(root)
        next(root.iterdir(), None)
    except OSError as error:
        raise DataError(f"{root} cannot be read ({_why(error)}); give a folder of images without labels") from None
    files = tuple(Found(0, *one) for one in walk.pictures(root))
    return Listing(("",), files, tuple(walk.notes + walk.note_of_others("no image by its name")))


class _Walk:
    """A walk through class folders that enters none twice, as links may lead back; it notes what it leaves out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes: list[str] = []
        self.others: list[str] = []
        self._entered = {_identity(root.stat())}

    def enter(self, folder: Path) -> bool:
        """Return whether a path is a folder that has not been entered before; from now on it has."""
        try:
            state = folder.stat()
        except OSError as error:
            self.leave_out(folder, f"it cannot be read ({_why(error)})")
            return False
        if not stat.S_ISDIR(state.st_mode):
            self.others.append(self._name(folder))
        elif _identity(state) in self._entered:
            self.leave_out(folder, "it is a link to a folder that is read already")
        else:
            self._entered.add(_identity(state))
            return True
        return False

    def pictures(self, folder: Path) -> Iterator[tuple[Path, int, int]]:
        """Yield path, size and time of change of the pictures of a folder and of those below it."""
        try:
            inside = sorted(folder.iterdir())
        except OSError as error:
            self.leave_out(folder, f"it cannot be read ({_why(error)})")
            return
        for path in [path for path in inside if not path.name.startswith(".")]:
            try:
                state = path.stat()
            except OSError as error:
                self.leave_out(path, f"it cannot be read ({_why(error)})")
                continue
            if stat.S_ISDIR(state.st_mode):
                if self.enter(path):
                    yield from self.pictures(path)
            elif path.suffix.lower() not in SUFFIXES:
                self.others.append(self._name(path))
            elif stat.S_ISREG(state.st_mode):
                yield path, state.st_size, state.st_mtime_ns
            else:
                self.leave_out(path, "it is no file")

    def leave_out(self, path: Path, why: str) -> None:
        """Note that something is left out."""
        self.notes.append(f"{self._name(path)} is left out: {why}")

    def note_of_others(self, why: str = "no image by its name or in no class folder") -> list[str]:
        """Return a note of the files that are no images by their names or lie in no class folder, if there are any."""
        if not self.others:
            return []
        more = f", and {len(self.others) - 1} more such files" if len(self.others) > 1 else ""
        return [f"{self.others[0]}{more}: left out, {why}"]

    def _name(self, path: Path) -> str:
        return readable(path.relative_to(self.root))


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def _why(error: OSError) -> str:
    return error.strerror or reason(error)


def readable(path: Path) -> str:
    """Return a path with slashes, and with escapes for bytes that are no UTF-8 and for control characters."""
    text = os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
