"""Features that somebody has computed, with labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from albench import DataError, LabeledImages
from albench_datasets.own import OwnData
from albench_datasets.sources.arrays import Arrays
from albench_datasets.sources.decoded import decoded
from albench_datasets.sources.folder import readable


@dataclass(frozen=True)
class Features(OwnData):
    """Vectors with labels, as of a pretrained model that stays as it is, `features[path=FILE]`.

    `albench features` writes such a file from a scenario of images and a network; or bring your own, an ``.npz`` file
    or a folder of ``.npy`` files: `features` (n, d) and `labels` (n,), which are names of classes or their numbers from
    0 on. Where they are there, `class_names` names the numbers, `is_test` (n,) marks the rows of the test part, and
    `paths` (n,) names the file of each row, which results repeat. Take a network of features, such as `linear` or
    `mlp`. A model that was pretrained on labels has seen classes: ImageNet holds most of CIFAR-100's, so that none of
    them is novel to its features.
    """

    results_version: ClassVar[int] = 1

    def data(self) -> LabeledImages:
        """Return the features; DataError where they are missing, or cannot be used."""
        arrays = Arrays(Path(self.path))
        return decoded(arrays.sources, lambda: _read(arrays), "features")


def _read(arrays: Arrays) -> LabeledImages:
    features = arrays.features()
    labels, names = arrays.labels(len(features))
    if len(names) < 2:
        raise DataError(f"{arrays.path}: all labels are {names[0]!r}; give features of two classes at least")
    is_test, paths = (arrays.per_row(name, len(features)) for name in ("is_test", "paths"))
    files = None if paths is None else [readable(Path(str(path))) for path in paths]
    return LabeledImages.in_canonical_order(features, labels, names, is_test, files, arrays.notes())
