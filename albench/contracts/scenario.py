"""The contract of a scenario: data, and its split for one seed."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from albench.contracts.component import Component
from albench.errors import DataError, RequestError
from albench.rng import stream

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

    @property
    def novel(self) -> list[int]:
        """The classes that must be discovered: in the pool, and not known."""
        return sorted(set(self.labels[self.pool].tolist()) - set(self.known))

    def check(self) -> Split:
        """Return the split itself, or raise DataError with what is wrong in it."""
        if (str(self.images.dtype), self.images.ndim) not in (("uint8", 4), ("float32", 2)):
            raise DataError(
                f"images are {self.images.dtype} of shape {self.images.shape}; they must be uint8, (N, C, H, W), or "
                "features, float32 (N, d)"
            )
        if self.labels.shape != (len(self.images),):
            raise DataError(f"there are {len(self.images)} images and labels of shape {self.labels.shape}")
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
        return self


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

    def fingerprint(self, seed: int) -> str:
        """Return a SHA-256 of the data, the same wherever they come from; by default of the whole split."""
        split = self.split(seed)
        digest = hashlib.sha256(repr((list(split.class_names), list(split.known))).encode())
        for array in (split.images, split.labels, split.initial, split.pool, split.test):
            digest.update(f"{array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class LabeledImages:
    """A whole data set, of images or of features, its rows in an order that depends on content alone."""

    images: Inputs  # uint8 images (N, C, H, W), or float32 features (N, d)
    labels: Indices  # (N,), indices into class_names
    class_names: Sequence[str]
    is_test: NDArray[np.bool_] | None  # (N,); None where the data come without a test part
    fingerprint: str

    @classmethod
    def in_canonical_order(
        cls, images: Inputs, labels: Any, class_names: Sequence[str], is_test: Any = None
    ) -> LabeledImages:
        """Order rows by part, class and a hash of the content, so that another source gives the same splits."""
        labels = np.asarray(labels, dtype=np.int64)
        for told, what in ((labels, "labels"), (is_test, "marks of the test part")):
            if told is not None and len(told) != len(images):
                raise DataError(f"there are {len(images)} images and {len(told)} {what}; each image needs one")
        test = np.zeros(len(labels), dtype=bool) if is_test is None else np.asarray(is_test, dtype=bool)
        hashes = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
        order = sorted(range(len(labels)), key=lambda row: (bool(test[row]), int(labels[row]), hashes[row]))
        digest = hashlib.sha256(repr((list(class_names), images.shape[1:])).encode())
        for row in order:
            digest.update(f"{int(test[row])} {labels[row]} {hashes[row]}\n".encode())
        return cls(
            images[order],
            labels[order],
            tuple(class_names),
            None if is_test is None else test[order],
            digest.hexdigest(),
        )


@dataclass(frozen=True)
class DiscoveryScenario(Scenario):
    """Known and novel classes drawn from a data set, a number of images of each; define `data`.

    Where the data have a test part, test images come from it and the others from the rest.
    """

    results_version: ClassVar[int] = 1

    known: Annotated[int, Ge(1)] = 10
    novel: Annotated[int, Ge(0)] = 10
    initial_per_class: Annotated[int, Ge(1)] = 100
    pool_per_class: Annotated[int, Ge(1)] = 100
    test_per_class: Annotated[int, Ge(1)] = 100

    @abstractmethod
    def data(self) -> LabeledImages:
        """Return the data set. It is asked for once a cell: keep it, or map it from disk."""

    def fingerprint(self, seed: int) -> str:  # noqa: ARG002 - the same data for every seed
        """Return the fingerprint of the whole data set."""
        return self.data().fingerprint

    def split(self, seed: int) -> Split:
        """Draw the classes, then each class's images from a stream of its own; shuffle the pool."""
        data = self.data()
        wanted = self.known + self.novel
        if wanted > len(data.class_names):
            raise RequestError(
                f"known={self.known} and novel={self.novel} ask for {wanted} classes, and the data have "
                f"{len(data.class_names)}; lower one of them"
            )
        classes = stream(seed, "classes").permutation(len(data.class_names))[:wanted].tolist()
        initial: list[Indices] = []
        pool: list[Indices] = []
        test: list[Indices] = []
        for position, label in enumerate(classes):
            n_initial = self.initial_per_class if position < self.known else 0
            parts = self._draw(data, label, n_initial, stream(seed, "split", label))
            for rows, part in zip((initial, pool, test), parts, strict=True):
                rows.append(part)
        pooled = np.concatenate(pool)
        return Split(
            images=data.images,
            labels=data.labels,
            initial=np.concatenate(initial),
            pool=pooled[stream(seed, "pool order").permutation(len(pooled))],
            test=np.concatenate(test),
            class_names=data.class_names,
            known=classes[: self.known],
        )

    def _draw(
        self, data: LabeledImages, label: int, n_initial: int, draws: np.random.Generator
    ) -> tuple[Indices, Indices, Indices]:
        """Return rows of one class for the initial set, the pool and the test set."""
        of_class = data.labels == label
        if data.is_test is None:
            rows = draws.permutation(np.flatnonzero(of_class))
            test, rows = rows[: self.test_per_class], rows[self.test_per_class :]
        else:
            rows = draws.permutation(np.flatnonzero(of_class & ~data.is_test))
            test = draws.permutation(np.flatnonzero(of_class & data.is_test))[: self.test_per_class]
        needed = n_initial + self.pool_per_class
        if len(rows) < needed or len(test) < self.test_per_class:
            raise RequestError(
                f"class {data.class_names[label]!r} has {len(rows)} images for the initial set and the pool and "
                f"{len(test)} for the test, and {needed} and {self.test_per_class} are asked for; lower "
                "initial_per_class, pool_per_class or test_per_class"
            )
        return rows[:n_initial], rows[n_initial:needed], test
