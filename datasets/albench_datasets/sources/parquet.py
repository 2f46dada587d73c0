"""Images in Parquet files as Hugging Face lays them out: `train-*.parquet`, `test-*.parquet`, a column of files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albench import DataError, LabeledImages
from albench_datasets.sources.collected import Picture
from albench_datasets.sources.pictures import Look, UnusableError, pixels
from albench_datasets.sources.words import in_short

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


def files_in(folder: Path) -> Files:
    """Return the Parquet files of a folder, or of its `data`: of the test part those that are called so."""
    here = sorted(folder.glob("*.parquet")) or sorted((folder / "data").glob("*.parquet"))
    for part in TEST_PARTS:
        test = tuple(path for path in here if path.name.startswith(part))
        if test and len(test) < len(here):
            return Files(tuple(path for path in here if path not in test), test)
    return Files(tuple(here), ())


def rows_of(files: Files, columns: Columns) -> tuple[Iterator[Picture], int, list[str]]:
    """Return the pictures of files, how many there are, and the names of their classes; DataError."""
    tables = [(path, _table(path, columns)) for path in files.all]
    values = [value for _, table in tables for value in table[columns.label].to_pylist()]
    where = files.all[0].parent
    if not values or len({type(value) for value in values}) > 1 or type(values[0]) not in (int, str):
        raise DataError(
            f"{where}: the column {columns.label} does not hold a number or a name in each row; name another"
        )
    try:
        names: Any = _class_names(tables[0][1], tables[0][0], columns.label)
    except DataError:
        names = {value: str(value) for value in values}
    classes = sorted(set(values))
    if isinstance(names, list) and not all(isinstance(value, int) and 0 <= value < len(names) for value in classes):
        raise DataError(
            f"{where}: the column {columns.label} runs from {classes[0]!r} to {classes[-1]!r}, and the schema's "
            f"metadata name {len(names)} classes; replace the files"
        )
    index = {value: place for place, value in enumerate(classes)}

    def pictures() -> Iterator[Picture]:
        for path, table in tables:
            for row, (cell, value) in enumerate(zip(table[columns.image], table[columns.label], strict=True)):
                content = cell.as_py()
                data = content.get("bytes") if isinstance(content, dict) else None
                yield Picture(index[value.as_py()], f"{path.name}, row {row}", data or b"", path in files.test)

    return pictures(), len(values), [names[value] for value in classes]


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
        table = parquet.read_table(path, columns=[columns.image, columns.label])
        table.validate(full=True)  # Arrow believes the offsets and the texts of a file else
    except (pyarrow.ArrowException, OSError, KeyError) as error:
        raise DataError(
            f"{path} is no readable Parquet file with the columns {columns.image} and {columns.label} "
            f"({in_short(error)}); replace it"
        ) from None
    return table


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
    except (TypeError, KeyError, ValueError, RecursionError):
        raise DataError(f"{path} has no class names in its schema metadata (key 'huggingface'); replace it") from None
