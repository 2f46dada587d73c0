"""Features that somebody has computed, with labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from albench import DataError, LabeledImages, PartlyLabeled, RequestError
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
    `paths` (n,) names the file of each row, which results repeat. A row without a label has the number -1 or the empty
    name: a study leaves it out, and `albench query` asks for the label of such rows. Take a network of features, such
    as `linear` or `mlp`. A model that was pretrained on labels has seen classes: ImageNet holds most of CIFAR-100's, so
    that none of them is novel to its features.
    """

    results_version: ClassVar[int] = 1

    def data(self) -> LabeledImages:
        """Return the features that have labels; DataError where they are missing, or cannot be used."""
        arrays = Arrays(Path(self.path))
        return decoded(arrays.sources, lambda: _Rows(arrays).labeled(), "features")

    def partly_labeled(self, unlabeled: Path | None) -> PartlyLabeled:
        """Return the rows that have a label and those that have none; rows of the test part are left out."""
        if unlabeled is not None:
            raise RequestError("features without labels are rows of the same file, of label -1; leave out --unlabeled")
        rows = _Rows(Arrays(Path(self.path)))
        rest, of_test = np.flatnonzero(~rows.has_label & ~rows.is_tested), rows.has_label & rows.is_tested
        if not len(rest):
            raise DataError(f"{rows.path} has no row without a label; give such rows the label -1, or the empty name")
        notes = [f"{of_test.sum()} labelled rows of the test part are left out"] if of_test.any() else []
        files = [rows.files[row] for row in rest]
        return PartlyLabeled(rows.labeled(for_training=True), rows.features[rest], files, notes)


class _Rows:
    """What an .npz file, or a folder, holds of each row."""

    def __init__(self, arrays: Arrays) -> None:
        self.path = arrays.path
        self.features = arrays.features()
        n = len(self.features)
        self.labels, self.classes = arrays.labels(n)
        self.has_label = self.labels >= 0
        if len(self.classes) < 2:
            there = f"all labels are {self.classes[0]!r}" if self.classes else "no row has a label"
            raise DataError(f"{self.path}: {there}; give features of two classes at least")
        self.is_test, paths = (arrays.per_row(name, n) for name in ("is_test", "paths"))
        self.is_tested = np.zeros(n, dtype=bool) if self.is_test is None else np.asarray(self.is_test, dtype=bool)
        self.notes = arrays.notes()
        self.has_paths = paths is not None
        self.files = [f"row {row}" for row in range(n)] if paths is None else [readable(Path(str(p))) for p in paths]

    def labeled(self, for_training: bool = False) -> LabeledImages:
        """Return the rows with labels; for training without those of the test part, and each with a name."""
        kept = np.flatnonzero(self.has_label & ~self.is_tested if for_training else self.has_label)
        used, labels = np.unique(self.labels[kept], return_inverse=True)
        n_without = len(self.labels) - int(self.has_label.sum())
        left_out = [f"{n_without} rows without a label are left out"] if n_without and not for_training else []
        return LabeledImages.in_canonical_order(
            self.features[kept],
            labels,
            [self.classes[label] for label in used],
            None if self.is_test is None or for_training else self.is_tested[kept],
            files=[self.files[row] for row in kept] if self.has_paths or for_training else None,
            notes=[*self.notes, *left_out],
        )
