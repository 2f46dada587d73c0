"""Decoded copies of data sets, mapped from disk: a data set is decoded once, not once a cell.

A copy is found by its source files' paths, sizes and times of change, so that a changed source is decoded anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from albench import DataError, LabeledImages, decoded_directory

LAYOUT = 1  # of a decoded copy; part of its name


def decoded(sources: Sequence[Path], decode: Callable[[], LabeledImages]) -> LabeledImages:
    """Return the data set that `decode` makes of the source files, from its decoded copy where there is one."""
    folder = decoded_directory() / _name(sources)
    if not folder.exists():
        data = decode()
        try:
            _write(data, folder)
        except OSError:  # a cache that cannot be written costs time, not the run
            return data
    return _read(folder)


def _name(sources: Sequence[Path]) -> str:
    state = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in sources]
    return hashlib.sha256(json.dumps([LAYOUT, state]).encode()).hexdigest()[:32]


def _write(data: LabeledImages, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".decoding-"))
    try:
        np.save(temporary / "images.npy", data.images)
        np.save(temporary / "labels.npy", data.labels)
        if data.is_test is not None:
            np.save(temporary / "is_test.npy", data.is_test)
        meta = {"class_names": list(data.class_names), "fingerprint": data.fingerprint}
        (temporary / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        os.rename(temporary, folder)  # noqa: PTH104 - Path.rename would replace an empty folder as well
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        if not folder.exists():  # another process may have been first
            raise


def _read(folder: Path) -> LabeledImages:
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        test = folder / "is_test.npy"
        return LabeledImages(
            images=np.load(folder / "images.npy", mmap_mode="r"),
            labels=np.load(folder / "labels.npy"),
            class_names=tuple(meta["class_names"]),
            is_test=np.load(test) if test.exists() else None,
            fingerprint=meta["fingerprint"],
        )
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise DataError(f"the decoded copy {folder} is damaged ({error}); delete that folder") from None
