"""Images in Parquet files as Hugging Face lays them out: `train-*.parquet`, `test-*.parquet`, a column of files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albench import DataError, LabeledImages
from albench_datasets.sources.pictures import Look, UnusableError, pixels

TEST_PARTS = ("test", "validation", "valid", "val")  # the first of them that is there is the test part


@dataclass(frozen=True)
class Files:
    """The files of a training and of a test part, in the order of their names."""

    train: tuple[Path, ...]
    test: tuple[Path, ...]

    @property
    def all(self) -> list[Path]:
        """Every file."""
        return [*self.train, *self.test]


@dataclass(frozen=True)
class Columns:
    """The columns that hold an image (a file's bytes, as Hugging Face keeps them) and its label."""

    image: str
    label: str


IMAGE_AND_LABEL = Columns("image", "label")  # as most are called


def parquet_files(folders: Iterable[Path]) -> Files | None:
    """Return the files of the first folder that has those of both parts, None where none has."""
    for folder in folders:
        train = tuple(sorted(folder.glob("train-*.parquet")))
        for part in TEST_PARTS:
            test = tuple(sorted(folder.glob(f"{part}-*.parquet")))
            if train and test:
                return Files(train, test)
    return None


def from_parquet(files: Files, columns: Columns, channels: int, class_names: Sequence[str] = ()) -> LabeledImages:
    """Return the data set of these files, all of whose images have one size.

    Classes are called as `class_names` says, else as the schema's metadata does. DataError for what cannot be read.
    """
    tables = [(path, _table(path, columns)) for path in files.all]
    names = list(class_names) or _class_names(tables[0][1], tables[0][0], columns.label)
    images = _images(tables, columns.image, channels)
    labels = np.concatenate([table[columns.label].to_numpy() for _, table in tables])
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= len(names):
        raise DataError(
            f"{files.train[0].parent}: the column {columns.label} does not hold numbers from 0 to {len(names) - 1}; "
            "replace the files"
        )
    is_test = np.concatenate([np.full(len(table), path in files.test) for path, table in tables])
    return LabeledImages.in_canonical_order(images, labels, names, is_test)


def _table(path: Path, columns: Columns) -> Any:
    import pyarrow
    from pyarrow import parquet

    try:
        return parquet.read_table(path, columns=[columns.image, columns.label])
    except (pyarrow.ArrowException, OSError, KeyError) as error:
        raise DataError(
            f"{path} is no readable Parquet file with the columns {columns.image} and {columns.label} ({error}); "
            "replace it"
        ) from None


def _images(tables: Sequence[tuple[Path, Any]], column: str, channels: int) -> NDArray[np.uint8]:
    images: NDArray[np.uint8] | None = None
    place = 0
    for path, table in tables:
        for row, cell in enumerate(table[column].to_pylist()):
            image = _image(cell, channels, path, row)
            if images is None:
                images = np.empty((sum(len(other) for _, other in tables), *image.shape), dtype=np.uint8)
            if image.shape != images.shape[1:]:
                raise DataError(
                    f"{path}: the image in row {row} has the shape {image.shape}, and others have {images.shape[1:]}; "
                    "replace the file"
                )
            images[place] = image
            place += 1
    if images is None:
        raise DataError(f"{tables[0][0]} holds no images; replace it")
    return images


def _image(cell: Any, channels: int, path: Path, row: int) -> NDArray[np.uint8]:
    try:
        return pixels(bytes(cell["bytes"]), Look(channels=channels))
    except (UnusableError, TypeError, KeyError) as error:
        raise DataError(f"{path}: the image in row {row} cannot be read ({error}); replace the file") from None


def _class_names(table: Any, path: Path, label: str) -> list[str]:
    try:
        info = json.loads(table.schema.metadata[b"huggingface"])
        return [str(name) for name in info["info"]["features"][label]["names"]]
    except (TypeError, KeyError, ValueError):
        raise DataError(f"{path} has no class names in its schema metadata (key 'huggingface'); replace it") from None
