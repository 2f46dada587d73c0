"""Images in anybody's Parquet files, as Hugging Face lays them out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from albench import DataError, LabeledImages
from albench_datasets.own import OwnImages
from albench_datasets.sources.collected import collected
from albench_datasets.sources.decoded import decoded
from albench_datasets.sources.parquet import Columns, Files, files_in, rows_of
from albench_datasets.sources.pictures import Look


@dataclass(frozen=True)
class Tables(OwnImages):
    """Images of any sizes in Parquet files, as data sets of Hugging Face are downloaded, `parquet[path=DIR]`.

    `image` and `label` name the columns: of images as Hugging Face keeps them (the bytes of a file), and of classes,
    which are names, or numbers that the schema's metadata names. The files lie in the folder or in its `data`; those
    called `test-*` are the test part, else those called `validation-*`. Images are brought to `size` x `size` pixels as
    those of `images` are, and what cannot be used is left out and named in the report.
    """

    results_version: ClassVar[int] = 1
    image: str = "image"
    label: str = "label"

    def data(self) -> LabeledImages:
        """Return the images; DataError where the folder holds no such files."""
        files = files_in(Path(self.path))
        if not files.all:
            raise DataError(f"{self.path} holds no Parquet files; give a folder that holds some, or whose data/ does")
        look, columns = self.look, Columns(self.image, self.label)
        return decoded(files.all, lambda: _decode(files, columns, look, self.path), f"{columns!a} {look!r}")


def _decode(files: Files, columns: Columns, look: Look, where: str) -> LabeledImages:
    pictures, n, classes = rows_of(files, columns)
    return collected(pictures, n, classes, look, (), where)
