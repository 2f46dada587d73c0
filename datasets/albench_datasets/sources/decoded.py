"""Decoded copies of data sets, mapped from disk: a data set is decoded once, not once a cell.

A copy is found by its source files' paths, sizes and times of change, so that a changed source is decoded anew. It
carries checksums, which are verified whenever it is read: one that does not hold is made anew from the sources.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albench import LabeledImages, decoded_directory

LAYOUT = 3  # of a decoded copy; part of its name
BLOCK_BYTES = 1 << 20  # read at once for a checksum
# what a copy that is absent or damaged raises
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


def decoded(sources: Sequence[Path], decode: Callable[[], LabeledImages], how: str = "") -> LabeledImages:
    """Return the data set that `decode` makes of the source files, from its decoded copy where there is one.

    `how` says in what way they are decoded where there are several, which have a copy each. A damaged copy is replaced,
    with a warning that names its folder; where that fails the data stay in memory.
    """
    folder = decoded_directory() / _name(sources, how)
    try:
        return _read(folder)
    except UNREADABLE as error:
        if folder.exists():
            warnings.warn(
                f"the decoded copy {folder} is damaged ({error}); the data set is decoded again from its sources",
                stacklevel=2,
            )
    data = decode()
    with suppress(OSError):  # a cache that cannot be written costs time and memory, not the run
        _write(data, folder)
    try:
        return _read(folder)
    except UNREADABLE:
        return data


def _name(sources: Sequence[Path], how: str) -> str:
    state = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in sources]
    return hashlib.sha256(json.dumps([LAYOUT, state, *([how] if how else [])]).encode()).hexdigest()[:32]


def _write(data: LabeledImages, folder: Path) -> None:
    arrays: dict[str, NDArray[Any]] = {"images.npy": data.images, "labels.npy": data.labels}
    if data.is_test is not None:
        arrays["is_test.npy"] = data.is_test
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".decoding-"))
    try:
        for name, array in arrays.items():
            np.save(temporary / name, array)
        meta = {
            "copy": folder.name,
            "class_names": list(data.class_names),
            "fingerprint": data.fingerprint,
            "files": None if data.files is None else list(data.files),
            "notes": list(data.notes),
            "crc32": {name: _checksum(temporary / name) for name in arrays},
        }
        text = json.dumps({"meta": meta, "crc32": _checksum_of(meta)})
        (temporary / "meta.json").write_text(text, encoding="utf-8")
        _place(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _place(temporary: Path, folder: Path) -> None:
    """Move a new copy to its place; a damaged one there goes, one that another process has just made stays."""
    try:
        temporary.rename(folder)
    except OSError:
        with suppress(*UNREADABLE):
            _read(folder)
            return
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".damaged-"))
        try:
            folder.rename(aside / "copy")  # whoever has its files mapped keeps them
            temporary.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _read(folder: Path) -> LabeledImages:
    """Return a copy whose checksums hold; one of UNREADABLE for another."""
    stored = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    meta = stored["meta"]
    if stored["crc32"] != _checksum_of(meta):
        raise ValueError("meta.json has another checksum than it says")
    if meta["copy"] != folder.name:
        raise ValueError("meta.json belongs to another copy")
    for name, checksum in meta["crc32"].items():
        if _checksum(folder / name) != checksum:
            raise ValueError(f"{name} has another checksum than meta.json says")
    return LabeledImages(
        images=np.load(folder / "images.npy", mmap_mode="r"),
        labels=np.load(folder / "labels.npy"),
        class_names=tuple(meta["class_names"]),
        is_test=np.load(folder / "is_test.npy") if "is_test.npy" in meta["crc32"] else None,
        fingerprint=meta["fingerprint"],
        files=meta["files"],
        notes=tuple(meta["notes"]),
    )


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            checksum = zlib.crc32(block, checksum)
    return checksum


def _checksum_of(meta: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(meta).encode())
