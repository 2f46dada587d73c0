"""Anybody's images, in a folder for each class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from albench import LabeledImages, PartlyLabeled, RequestError
from albench_datasets.own import OwnImages
from albench_datasets.sources.collected import Picture, collected, too_few
from albench_datasets.sources.decoded import decoded
from albench_datasets.sources.folder import Listing, listing, readable, unsorted
from albench_datasets.sources.pictures import Look, pixels


@dataclass(frozen=True)
class Images(OwnImages):
    """Images of any sizes in a folder for each class, `images[path=DIR]`.

    They are brought to `size` x `size` pixels: the middle is cut out (`fit=crop`), the rest is filled with zeros
    (`pad`), or they are stretched. BMP, GIF (its first picture), JPEG, PNG, PPM, TIFF and WebP are read; folders below
    a class folder belong to it. What is damaged, has a side of less than `smallest` pixels or over 100 million pixels
    is left out, and named in the report. Results name the files that were asked for. What counts is the content of the
    images and the names of the classes, not where the folder lies or what files are called.
    """

    results_version: ClassVar[int] = 1

    test_per_class: Annotated[int, Ge(1)] = 20  # folders have no test part that could be taken whole

    def data(self) -> LabeledImages:
        """Return the images; DataError where the folder holds no classes of images."""
        found = listing(Path(self.path))
        if len(found.classes) < 2:
            raise too_few(self.path, found.classes, found.notes)
        return _decoded(Path(self.path), found, self.look)

    def partly_labeled(self, unlabeled: Path | None) -> PartlyLabeled:
        """Return the images of the class folders, and those of a folder whose files have no class."""
        if unlabeled is None:
            raise RequestError("nothing says where the images without labels are; name their folder with --unlabeled")
        if unlabeled.resolve() != (root := Path(self.path).resolve()) and root in unlabeled.resolve().parents:
            raise RequestError(
                f"{unlabeled} lies in the folder of labelled images, which takes each of its folders for a class; move "
                "it out"
            )
        labeled = self.data()
        found = unsorted(unlabeled)
        others = _decoded(unlabeled, found, self.look, 1)
        assert others.files is not None
        paths = {_name(unlabeled, file.path): file.path for file in found.files}
        files = others.files

        def picture(row: int) -> NDArray[np.uint8]:
            return pixels(paths[files[row]], Look())

        return PartlyLabeled(labeled, others.images, files, others.notes, picture)


@lru_cache(maxsize=4)
def _decoded(root: Path, found: Listing, look: Look, fewest: int = 2) -> LabeledImages:
    unlabeled = "" if fewest > 1 else "unlabeled "
    how = f"{unlabeled}{found.notes!a} {look!r}"
    return decoded([file.path for file in found.files], lambda: _decode(root, found, look, fewest), how)


def _decode(root: Path, found: Listing, look: Look, fewest: int) -> LabeledImages:
    pictures = (Picture(file.label, _name(root, file.path), file.path) for file in found.files)
    return collected(pictures, len(found.files), found.classes, look, found.notes, str(root), fewest)


def _name(root: Path, path: Path) -> str:
    return readable(path.relative_to(root))
