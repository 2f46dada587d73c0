"""Anybody's images, in a folder for each class."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from albench import Count, DiscoveryScenario, InputPath, LabeledImages
from albench_datasets.sources.collected import Picture, collected, too_few
from albench_datasets.sources.decoded import decoded
from albench_datasets.sources.folder import Listing, listing, readable
from albench_datasets.sources.pictures import Fit, Look


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
            raise too_few(self.path, found.classes)
        return _decoded(Path(self.path), found, Look(self.size, self.fit, 1 if self.grey else 3, self.smallest))


@lru_cache(maxsize=4)
def _decoded(root: Path, found: Listing, look: Look) -> LabeledImages:
    return decoded([file.path for file in found.files], lambda: _decode(root, found, look), f"{found.notes!a} {look!r}")


def _decode(root: Path, found: Listing, look: Look) -> LabeledImages:
    pictures = (Picture(file.label, readable(file.path.relative_to(root)), file.path) for file in found.files)
    return collected(pictures, len(found.files), found.classes, look, found.notes, str(root))
