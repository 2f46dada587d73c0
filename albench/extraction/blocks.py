"""Features on their way: blocks of rows in a folder beside the file that they become, so that a killed run goes on."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from albench.errors import DamageError, RequestError, WriteError, shown
from albench.store.files import remove_leftovers, replacing, write_bytes, writing
from albench.store.sealed import seal, unseal

Features = NDArray[np.float32]


class Blocks:
    """The folder FILE.partial: `about.json` says what is computed, and each block is whole or absent."""

    def __init__(self, target: Path, about: Mapping[str, Any], n_rows: int, block_rows: int) -> None:
        self.folder = target.with_name(f"{target.name}.partial")
        self.about = json.loads(json.dumps(about))
        self.starts = range(0, n_rows, block_rows)
        self.n_rows = n_rows
        self.block_rows = block_rows

    def open(self) -> None:
        """Make the folder, or go on with what is in it; RequestError where that was begun for something else."""
        path = self.folder / "about.json"
        try:
            begun = unseal(path.read_bytes()) if path.exists() else None
        except (OSError, DamageError) as error:
            raise RequestError(f"{path} cannot be read ({error}); remove {self.folder} to start anew") from None
        if begun is None:
            write_bytes(path, seal(self.about, indent=1))
        elif other := differing(begun, self.about):
            raise RequestError(
                f"{self.folder} holds features that were begun with {other}; remove it to start anew, or name another "
                "file with --output"
            )
        remove_leftovers(self.folder)

    def rows(self, start: int) -> slice:
        """Return the places of a block's rows."""
        return slice(start, min(start + self.block_rows, self.n_rows))

    def read(self, start: int) -> Features | None:
        """Return a block that is there and whole, else None: zip files carry checksums."""
        place = self.rows(start)
        try:
            with np.load(self._path(start), allow_pickle=False) as stored:
                found: Any = stored["features"]
        except Exception:  # noqa: BLE001 - a damaged file raises whatever its readers like
            return None
        is_whole = isinstance(found, np.ndarray) and found.dtype == np.float32 and found.ndim == 2
        is_right = is_whole and len(found) == place.stop - place.start
        return cast("Features", found) if is_right else None

    def write(self, start: int, features: Features) -> None:
        """Keep a block; WriteError when the disk does not take it."""
        with replacing(self._path(start)) as temporary, temporary.open("wb") as file:
            np.savez(file, features=features)

    def finish(self, target: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write all blocks and further arrays as one ``.npz`` file, a block in memory at a time; remove the folder."""
        first = self.read(0)
        assert first is not None
        header = {"descr": "<f4", "fortran_order": False, "shape": (self.n_rows, first.shape[1])}
        with replacing(target) as temporary, zipfile.ZipFile(temporary, "w", allowZip64=True) as file:
            with file.open("features.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, header)
                for block in self._whole(first.shape[1]):
                    member.write(np.ascontiguousarray(block, dtype="<f4").tobytes())
            for name, array in arrays.items():
                with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
        with writing(self.folder):
            shutil.rmtree(self.folder)

    def _whole(self, width: int) -> Iterator[Features]:
        for start in self.starts:
            found = self.read(start)
            if found is None or found.shape[1] != width:
                raise WriteError(f"{self._path(start)} was damaged after it was written; run again, which computes it")
            yield found

    def _path(self, start: int) -> Path:
        return self.folder / f"rows-{start:09d}.npz"


def differing(one: Mapping[str, Any], other: Mapping[str, Any], inside: str = "") -> str:
    """Return the first thing that differs between two descriptions, with both values; empty where nothing does."""
    for name in dict.fromkeys((*other, *one)):
        before, now = one.get(name), other.get(name)
        where = f"{inside} {name}".strip()
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            if found := differing(before, now, where):
                return found
        elif before != now:
            return f"another {where} ({shown(before)}, and now {shown(now)})"
    return ""
