"""Pictures of any sizes, made into one data set: what cannot be used is left out and named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from albench import DataError, LabeledImages
from albench_datasets.sources.pictures import Look, UnusableError, pixels


class Picture(NamedTuple):
    """A picture as it comes: its class, what it is called, its file or bytes, and whether it is of the test part."""

    label: int
    name: str
    source: Path | bytes
    is_test: bool = False


def collected(
    pictures: Iterable[Picture],
    n: int,
    classes: Sequence[str],
    look: Look,
    notes: Sequence[str],
    where: str,
    fewest: int = 2,
) -> LabeledImages:
    """Return the data set of n pictures as they should look, with notes of those that cannot be used.

    It has a test part where one of them is of it. DataError where less than the `fewest` classes are left.
    """
    images: NDArray[np.uint8] = np.empty((n, look.channels, look.size, look.size), dtype=np.uint8)
    kept: list[Picture] = []
    said = list(notes)
    for picture in pictures:
        try:
            images[len(kept)] = pixels(picture.source, look)
            kept.append(picture._replace(source=b""))
        except UnusableError as error:
            said.append(f"{picture.name} is left out: {error}")
    labels = [picture.label for picture in kept]
    used = sorted(set(labels))
    if len(used) < fewest:
        raise too_few(where, [classes[label] for label in used], said, fewest)
    said += [
        f"{classes[label]} is left out: none of its images can be used"
        for label in range(len(classes))
        if label not in used
    ]
    is_test = [picture.is_test for picture in kept]
    return LabeledImages.in_canonical_order(
        images[: len(kept)],
        [used.index(label) for label in labels],
        [classes[label] for label in used],
        is_test if any(is_test) else None,
        files=[picture.name for picture in kept],
        notes=said,
    )


def too_few(where: str, classes: Sequence[str], notes: Sequence[str] = (), fewest: int = 2) -> DataError:
    """Return what is said of data of fewer than two classes, or of no image where classes mean nothing."""
    there = f"only of one class, {classes[0]!r}" if classes else "of no class"
    why = f" ({notes[0]})" if notes else ""
    if fewest < 2:
        return DataError(f"{where} holds no image that can be used{why}; give a folder of images without labels")
    return DataError(f"{where} holds images {there}{why}; give images of two classes at least")
