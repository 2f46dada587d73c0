"""Tiny ImageNet in the folders in which it is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from albench import Count, DataError, DiscoveryScenario, LabeledImages, data_directory, reason
from albench_datasets.sources.decoded import decoded
from albench_datasets.sources.parquet import IMAGE_AND_LABEL, from_parquet, parquet_files
from albench_datasets.sources.pictures import Look, UnusableError, pixels

FOLDER = "tiny-imagenet-200"
SIDE = 64


@dataclass(frozen=True)
class TinyImagenet(DiscoveryScenario):
    """110,000 colour images of 64 x 64 pixels, 200 classes (Stanford's CS231n, 2015; images of ImageNet, its terms).

    500 training images and 50 of the validation part, which is the test part, a class; the 10,000 test images have no
    labels. Looked for in --data / $ALBENCH_DATA: the published folder `tiny-imagenet-200`, else Parquet files in the
    layout of Hugging Face (`train-*` and `valid-*` with `image` and `label`) in a folder `tiny-imagenet`, whose classes
    go by their WordNet numbers. Download cs231n.stanford.edu/tiny-imagenet-200.zip and unpack it.
    """

    results_version: ClassVar[int] = 1

    test_per_class: Count = 50

    def data(self) -> LabeledImages:
        """Return all labelled images; DataError when they are absent or damaged."""
        return _tiny_imagenet(data_directory())

    def data_found(self) -> str | None:
        """Return which of the layouts is there."""
        if (data_directory() / FOLDER).is_dir():
            return f"the folder {FOLDER}"
        files = parquet_files(_folders(data_directory()))
        return f"{len(files.all)} Parquet files in {files.train[0].parent}" if files else None


def _folders(directory: Path) -> list[Path]:
    return [directory / "tiny-imagenet", directory / "tiny-imagenet" / "data"]


@cache
def _tiny_imagenet(directory: Path) -> LabeledImages:
    folder, files = directory / FOLDER, parquet_files(_folders(directory))
    if folder.is_dir():
        found = list(_files(folder))
        return decoded([path for path, _, _ in found], lambda: _decode(folder, found))
    if files is None:
        raise DataError(
            f"Tiny ImageNet is not in {directory}; unpack cs231n.stanford.edu/tiny-imagenet-200.zip there, or put "
            "Parquet files into a folder tiny-imagenet/, or give the folder above with --data"
        )
    return decoded(files.all, lambda: from_parquet(files, IMAGE_AND_LABEL, channels=3))


def _files(folder: Path) -> Iterator[tuple[Path, str, bool]]:
    """Yield path, WordNet number and whether it is of the test part for each labelled image; DataError."""
    for label in sorted(path for path in (folder / "train").glob("n*") if path.is_dir()):
        yield from ((path, label.name, False) for path in sorted((label / "images").glob("*.JPEG")))
    for line in _lines(folder / "val" / "val_annotations.txt"):
        name, label_of_test = line.split("\t")[:2]
        path = folder / "val" / "images" / name
        if not path.is_file():
            raise DataError(f"{path} is missing; unpack the archive again")
        yield path, label_of_test, True


def _decode(folder: Path, found: list[tuple[Path, str, bool]]) -> LabeledImages:
    numbers = sorted({number for _, number, _ in found})
    images: NDArray[np.uint8] = np.empty((len(found), 3, SIDE, SIDE), dtype=np.uint8)
    for place, (path, _, _) in enumerate(found):
        try:
            images[place] = pixels(path, Look())
        except (UnusableError, ValueError) as error:
            raise DataError(f"{path} is damaged ({error}); unpack the archive again") from None
    return LabeledImages.in_canonical_order(
        images,
        [numbers.index(number) for _, number, _ in found],
        _names(folder, numbers),
        [is_test for _, _, is_test in found],
        files=[path.relative_to(folder).as_posix() for path, _, _ in found],
    )


def _names(folder: Path, numbers: list[str]) -> list[str]:
    """Return what each class is called: its first word, with its WordNet number where others are called so too."""
    words = dict(line.split("\t")[:2] for line in _lines(folder / "words.txt"))
    first = [words.get(number, number).partition(",")[0] for number in numbers]
    several = Counter(first)
    return [word if several[word] == 1 else f"{word} ({number})" for word, number in zip(first, numbers, strict=True)]


def _lines(path: Path) -> list[str]:
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({reason(error)}); unpack the archive again") from None
    if any("\t" not in line for line in lines):
        raise DataError(f"{path} does not hold columns between tabulators; unpack the archive again")
    return lines
