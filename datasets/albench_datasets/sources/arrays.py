"""Arrays that somebody has saved with numpy, in one file or in a folder; each fault is a sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albench import DataError
from albench_datasets.sources.words import in_short

MOST_CLASSES = 100_000
GROWTH = 200  # how many times its size in the file an array may unpack to; numbers that are none but zeros reach 1,000
_SURROGATES = (0xD800, 0xDFFF)
ALWAYS_FINE = 64 * 2**20  # bytes that any array may unpack to


class Arrays:
    """The arrays of an ``.npz`` file, or those of a folder's ``.npy`` files; one is read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sources = sorted(path.glob("*.npy")) if path.is_dir() else [path]
        if not path.is_dir() and not path.is_file():
            raise DataError(f"there is no {path}; give an .npz file, or a folder of .npy files")

    def find(self, name: str) -> NDArray[Any] | None:
        """Return an array, None where there is none of that name; DataError where it cannot be read."""
        try:
            if self.path.is_dir():
                file = self.path / f"{name}.npy"
                return _array(np.load(file, mmap_mode="r", allow_pickle=False)) if file.exists() else None
            with np.load(self.path, allow_pickle=False) as stored:
                _check_growth(stored, name)
                return _array(stored[name]) if name in stored else None
        except Exception as error:  # noqa: BLE001 - a damaged file raises whatever its readers like
            raise DataError(
                f"{self.path}: {name} cannot be read ({in_short(error)}); write it with numpy.savez"
            ) from None

    def get(self, name: str) -> NDArray[Any]:
        """Return an array; DataError where it is missing."""
        found = self.find(name)
        if found is None:
            raise DataError(f"{self.path} holds no {name}; it needs features, (n, d), and labels, (n,)")
        return found

    def features(self) -> NDArray[np.float32]:
        """Return `features`, float32, (n, d), all finite."""
        found = self.get("features")
        if found.ndim != 2 or 0 in found.shape or found.dtype.kind not in "fiu":
            raise DataError(
                f"{self.path}: features are {found.dtype} of shape {found.shape}; give numbers of shape (n, d)"
            )
        with np.errstate(over="ignore"):
            features: NDArray[np.float32] = np.asarray(found, dtype=np.float32)
        wrong = np.flatnonzero(~np.isfinite(features).all(axis=1))
        if len(wrong):
            raise DataError(
                f"{self.path}: {len(wrong)} rows of features hold NaN, or numbers too large for float32, the first is "
                f"row {wrong[0]}; leave them out, or give finite ones"
            )
        return features

    def per_row(self, name: str, n: int) -> NDArray[Any] | None:
        """Return an array with an entry for each of n rows, None where there is none."""
        found = self.find(name)
        if found is not None and found.shape != (n,):
            raise DataError(
                f"{self.path}: {name} are of shape {found.shape}, and there are {n} features; give one for each"
            )
        return found

    def notes(self) -> list[str]:
        """Return a sentence on where the features come from, where `albench features` has written that down."""
        found = self.find("source")
        try:
            source = json.loads(str(found)) if found is not None else {}
            return [f"Features of {source['network']['label']} on {source['data']['scenario']}."]
        except (ValueError, KeyError, TypeError, RecursionError):  # of somebody who means something else by it
            return []

    def labels(self, n: int) -> tuple[NDArray[np.int64], list[str]]:
        """Return the class of each of n rows as a number from 0 on, -1 where it has none, and the names of the classes.

        `labels` are names, or numbers from 0 on; `class_names`, where it is there, names these. A row without a label
        has the empty name, or the number -1.
        """
        self.get("labels")
        found = self.per_row("labels", n)
        assert found is not None
        if found.dtype.kind == "U":
            names, numbers = np.unique(found, return_inverse=True)
            n_unnamed = int(names[0] == "")  # the empty name comes first
            return numbers.astype(np.int64) - n_unnamed, names[n_unnamed:].tolist()
        named = self.find("class_names")
        if named is not None and named.ndim != 1:
            raise DataError(f"{self.path}: class_names are of shape {named.shape}; give a name for each class")
        n_classes = MOST_CLASSES if named is None else len(named)
        if found.dtype.kind not in "iu" or found.min() < -1 or found.max() >= n_classes:
            what = f"run from {found.min()} to {found.max()}" if found.dtype.kind in "iuf" else f"are {found.dtype}"
            raise DataError(
                f"{self.path}: labels {what}; give the name of each row's class, or its number, an integer from 0 to "
                f"{n_classes - 1}, or -1 where it has none"
            )
        used, numbers = np.unique(found, return_inverse=True)
        n_unnamed = int(used[0] == -1)
        classes = [str(label if named is None else named[label]) for label in used[n_unnamed:]]
        return numbers.astype(np.int64) - n_unnamed, classes


def _array(found: Any) -> NDArray[Any]:
    """Return what numpy has read where it is one array, and its texts are texts; ValueError."""
    if not isinstance(found, np.ndarray):
        raise ValueError("it is no array")
    if found.dtype.kind == "U" and found.dtype.itemsize:
        codes = np.ascontiguousarray(found, dtype=found.dtype.newbyteorder("=")).reshape(-1).view(np.uint32)
        if np.any((codes > sys.maxunicode) | ((codes >= _SURROGATES[0]) & (codes <= _SURROGATES[1]))):
            raise ValueError("it holds characters that are none")
    return found


def _check_growth(stored: Any, name: str) -> None:
    """Raise ValueError for an array of an ``.npz`` file that would take memory beyond measure."""
    for info in stored.zip.infolist():
        most = max(ALWAYS_FINE, GROWTH * info.compress_size)
        if info.filename.removesuffix(".npy") == name and info.file_size > most:
            raise ValueError(f"it would unpack to more than {GROWTH} times its size")
