"""Images in anybody's Parquet files, as Hugging Face lays them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from albench import Count, DataError, DiscoveryScenario, InputPath, LabeledImages
from albench_datasets.sources.collected import collected
from albench_datasets.sources.decoded import decoded
from albench_datasets.sources.parquet import Columns, Files, files_in, rows_of
from albench_datasets.sources.pictures import Fit, Look


@dataclass(frozen=True)
class Tables(DiscoveryScenario):
    """Images of any sizes in Parquet files, as data sets of Hugging Face are downloaded, `parquet[path=DIR]`.

    `image` and `label` name the columns: of images as Hugging Face keeps them (the bytes of a file), and of classes,
    which are names, or numbers that the schema's metadata names. The files lie in the folder or in its `data`; those
    called `test-*` are the test part, else those called `validation-*`. Images are brought to `size` x `size` pixels as
    those of `images` are, and what cannot be used is left out and named in the report.
    """

    results_version: ClassVar[int] = 1
    reads_data: ClassVar[bool] = False

    known: Count = "all"
    novel: Annotated[int, Ge(0)] = 0
    initial_per_class: Annotated[int, Ge(1)] = 10
    pool_per_class: Count = "all"
    test_per_class: Count = 20
    path: InputPath = field(kw_only=True)
    name: str = ""  # tells two folders apart in one study: it is part of the label
    image: str = "image"
    label: str = "label"
    size: Annotated[int, Ge(8), Le(1024)] = 64
    fit: Fit = "crop"
    grey: bool = False
    smallest: Annotated[int, Ge(1)] = 8

    def data(self) -> LabeledImages:
        """Return the images; DataError where the folder holds no such files."""
        files = files_in(Path(self.path))
        if not files.all:
            raise DataError(f"{self.path} holds no Parquet files; give a folder that holds some, or whose data/ does")
        look = Look(self.size, self.fit, 1 if self.grey else 3, self.smallest)
        columns = Columns(self.image, self.label)
        return decoded(files.all, lambda: _decode(files, columns, look, self.path), f"{columns!a} {look!r}")


def _decode(files: Files, columns: Columns, look: Look, where: str) -> LabeledImages:
    pictures, n, classes = rows_of(files, columns)
    return collected(pictures, n, classes, look, (), where)
