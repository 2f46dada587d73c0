"""Anybody's images, in a folder for each class."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from albench import Count, DataError, DiscoveryScenario, InputPath, LabeledImages
from albench_datasets.sources.decoded import decoded
from albench_datasets.sources.folder import Listing, listing, readable
from albench_datasets.sources.pictures import Fit, Look, UnusableError, pixels


@dataclass(frozen=True)
class Images(DiscoveryScenario):
    """Images of any sizes in a folder for each class, `images[path=DIR]`.

    They are brought to `size` x `size` pixels: the middle is cut out (`fit=crop`), the rest is filled with zeros
    (`pad`), or they are stretched. BMP, GIF (its first picture), JPEG, PNG, PPM, TIFF and WebP are read; folders below
    a class folder belong to it. What is damaged, has a side of less than `smallest` pixels or over 100 million pixels
    is left out, and named in the report. Results name the files that were asked for. What counts is the content of the
    images and the names of the classes, not where the folder lies or what files are called.
    """

    results_version: ClassVar[int] = 1
    reads_data: ClassVar[bool] = False

    known: Count = "all"
    novel: Annotated[int, Ge(0)] = 0
    initial_per_class: Annotated[int, Ge(1)] = 10
    pool_per_class: Count = "all"
    test_per_class: Annotated[int, Ge(1)] = 20
    path: InputPath = field(kw_only=True)
    name: str = ""  # tells two folders apart in one study: it is part of the label
    size: Annotated[int, Ge(8), Le(1024)] = 64
    fit: Fit = "crop"
    grey: bool = False
    smallest: Annotated[int, Ge(1)] = 8

    def data(self) -> LabeledImages:
        """Return the images; DataError where the folder holds no classes of images."""
        found = listing(Path(self.path))
        if len(found.classes) < 2:
            raise _too_few(self.path, found.classes)
        return _decoded(Path(self.path), found, Look(self.size, self.fit, 1 if self.grey else 3, self.smallest))


@lru_cache(maxsize=4)
def _decoded(root: Path, found: Listing, look: Look) -> LabeledImages:
    return decoded([file.path for file in found.files], lambda: _decode(root, found, look), f"{found.notes!a} {look!r}")


def _decode(root: Path, found: Listing, look: Look) -> LabeledImages:
    """Return the images that can be used, and notes of the others."""
    images: NDArray[np.uint8] = np.empty((len(found.files), look.channels, look.size, look.size), dtype=np.uint8)
    kept: list[int] = []
    notes = list(found.notes)
    names = [readable(file.path.relative_to(root)) for file in found.files]
    for place, file in enumerate(found.files):
        try:
            images[len(kept)] = pixels(file.path, look)
            kept.append(place)
        except UnusableError as error:
            notes.append(f"{names[place]} is left out: {error}")
    labels = [found.files[place].label for place in kept]
    used = sorted(set(labels))
    classes = [found.classes[label] for label in used]
    if len(classes) < 2:
        raise _too_few(str(root), classes, notes)
    notes += [f"{name} is left out: none of its images can be used" for name in found.classes if name not in classes]
    return LabeledImages.in_canonical_order(
        images[: len(kept)],
        [used.index(label) for label in labels],
        classes,
        files=[names[place] for place in kept],
        notes=notes,
    )


def _too_few(path: str, classes: object, notes: list[str] | None = None) -> DataError:
    there = f"only of one class, {next(iter(classes))!r}" if classes else "of no class"  # type: ignore[call-overload]
    why = f" ({notes[0]})" if notes else ""
    return DataError(f"{path} holds images {there}{why}; give a folder that holds a folder of images for each class")
