"""The contract of a scenario: data, and its split for one seed."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from albench.contracts.component import Component
from albench.errors import DataError, RequestError

if TYPE_CHECKING:
    from albench.contracts.partly_labeled import PartlyLabeled

Images = NDArray[np.uint8]
Inputs = NDArray[np.uint8] | NDArray[np.float32]  # images (N, C, H, W), or features (N, d)
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Data and its division for one seed. Index arrays hold rows of `images`.

    The order of `pool` is seen by strategies and must say nothing about the labels.
    """

    images: Inputs  # uint8 images (N, C, H, W), or float32 features (N, d)
    labels: Indices  # (N,), indices into class_names
    initial: Indices  # rows labelled at the start
    pool: Indices  # rows that can be queried
    test: Indices  # rows that accuracy is measured on
    class_names: Sequence[str]
    known: Sequence[int]  # classes of the initial set, in the order of the network's outputs
    rejected: Sequence[int] = ()  # classes of the pool that the oracle cannot name, whose answer is -1
    answers: Indices | None = None  # (N,), what the oracle says of each row, a class or -1; None: the label
    files: Sequence[str] | None = None  # (N,), the file of each row, by a name that a reader finds it by
    notes: Sequence[str] = ()  # what a reader should know of the data, a sentence each: files that were left out

    @property
    def novel(self) -> list[int]:
        """The classes that must be discovered: in the pool, and neither known nor rejected."""
        return sorted(set(self.labels[self.pool].tolist()) - set(self.known) - set(self.rejected))

    @property
    def oracle(self) -> Indices:
        """What the oracle says of each row, (N,): a class, or -1 where it cannot name it."""
        return self.labels if self.answers is None else self.answers

    def check(self) -> Split:
        """Return the split itself, or raise DataError with what is wrong in it."""
        if (str(self.images.dtype), self.images.ndim) not in (("uint8", 4), ("float32", 2)):
            raise DataError(
                f"images are {self.images.dtype} of shape {self.images.shape}; they must be uint8, (N, C, H, W), or "
                "features, float32 (N, d)"
            )
        if self.labels.shape != (len(self.images),):
            raise DataError(f"there are {len(self.images)} images and labels of shape {self.labels.shape}")
        if self.files is not None and len(self.files) != len(self.images):
            raise DataError(f"there are {len(self.images)} images and {len(self.files)} names of files")
        parts = {"initial": self.initial, "pool": self.pool, "test": self.test}
        for name, rows in parts.items():
            if len(rows) == 0:
                raise DataError(f"the part {name!r} of the split is empty")
            if rows.min() < 0 or rows.max() >= len(self.images):
                raise DataError(f"the part {name!r} of the split holds rows outside the {len(self.images)} images")
        together = np.concatenate(list(parts.values()))
        if self.images.ndim == 2 and not np.isfinite(self.images[together]).all():
            raise DataError("features that are used hold NaN or infinite numbers; give finite ones")
        if len(np.unique(together)) != len(together):
            raise DataError("initial, pool and test share images, or hold one twice; an image belongs to one of them")
        if set(self.labels[self.initial].tolist()) != set(self.known):
            raise DataError("the classes of the initial set are not those that 'known' names")
        self._check_answers()
        return self

    def _check_answers(self) -> None:
        """Raise DataError for answers that do not fit the images, name no class, or are given of what is rejected."""
        if self.oracle.shape != self.labels.shape:
            raise DataError(f"there are {len(self.images)} images and answers of shape {self.oracle.shape}")
        answers, others = self.oracle[self.pool], self.labels[np.concatenate([self.initial, self.test])]
        if not -1 <= answers.min() <= answers.max() < len(self.class_names):
            raise DataError(f"answers run from {answers.min()} to {answers.max()}; give the number of a class, or -1")
        if set(self.rejected) & set(others.tolist()):
            raise DataError("a rejected class is in the initial set or in the test set; keep it in the pool alone")
        if (answers[np.isin(self.labels[self.pool], list(self.rejected))] >= 0).any():
            raise DataError("an example of a rejected class has an answer; give -1")


@dataclass(frozen=True)
class Scenario(Component):
    """Data and how a seed divides them; its fields are its parameters.

    `reads_data` says whether the folder of ``--data`` means something to it.
    """

    reads_data: ClassVar[bool] = True

    @abstractmethod
    def split(self, seed: int) -> Split:
        """Return the data and their division for one seed, drawn from `albench.stream(seed, ...)` alone."""

    def data_found(self) -> str | None:
        """Return in a few words what `albench.data_directory()` holds of its data, None where they are not there.

        For ``albench doctor``: look for files and read none. One that does not define it is not asked.
        """
        return None

    def partly_labeled(self, unlabeled: Path | None) -> PartlyLabeled:  # noqa: ARG002 - of those that define it
        """Return all labelled examples and those without a label, for ``albench query``.

        `unlabeled` is the folder of ``--unlabeled``, None where the unlabelled examples lie beside the labelled ones.
        Raises DataError; RequestError in a scenario that does not define it.
        """
        raise RequestError(
            f"the scenario {type(self).__name__} gives no examples without a label; choose one that does, such as "
            "images or features"
        )

    def fingerprint(self, seed: int) -> str:
        """Return a SHA-256 of the data, the same wherever they come from; by default of the whole split."""
        split = self.split(seed)
        digest = hashlib.sha256(repr((list(split.class_names), list(split.known))).encode())
        own = [] if split.answers is None else [split.answers]
        for array in (split.images, split.labels, split.initial, split.pool, split.test, *own):
            digest.update(f"{array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()
