"""The scenario that most others derive from: known and novel classes drawn from a data set."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from albench.contracts.scenario import Indices, Inputs, Scenario, Split
from albench.contracts.variants import answers, repeated, share_of_class
from albench.errors import DataError, RequestError
from albench.rng import stream

Count = Annotated[int, Ge(1)] | Literal["all"]


@dataclass(frozen=True)
class LabeledImages:
    """A whole data set, of images or of features, its rows in an order that depends on content alone."""

    images: Inputs  # uint8 images (N, C, H, W), or float32 features (N, d)
    labels: Indices  # (N,), indices into class_names
    class_names: Sequence[str]
    is_test: NDArray[np.bool_] | None  # (N,); None where the data come without a test part
    fingerprint: str
    files: Sequence[str] | None = None  # (N,), where each row comes from; no part of the fingerprint, as `notes`
    notes: Sequence[str] = ()  # see `Split.notes`

    @classmethod
    def in_canonical_order(
        cls,
        images: Inputs,
        labels: Any,
        class_names: Sequence[str],
        is_test: Any = None,
        files: Sequence[str] | None = None,
        notes: Sequence[str] = (),
    ) -> LabeledImages:
        """Order rows by part, class and a hash of the content, so that another source gives the same splits."""
        labels = np.asarray(labels, dtype=np.int64)
        for told, what in ((labels, "labels"), (is_test, "marks of the test part"), (files, "names of files")):
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
            None if files is None else tuple(files[row] for row in order),
            tuple(notes),
        )


@dataclass(frozen=True)
class DiscoveryScenario(Scenario):
    """Known and novel classes drawn from a data set, a number of images of each; define `data`.

    Where the data have a test part, test images come from it and the others from the rest. `all` takes every class that
    is not novel, and every image of a class that no other part takes.

    `imbalance` is the ratio of the largest to the smallest class of the pool, exponential over the classes in the
    seed's order, the known ones first; `label_noise` the share of the oracle's answers that are wrong; `duplicates` the
    share of the pool that occurs twice; `rejected` the number of further classes in the pool that the oracle cannot
    name, as in Kaeding et al. 2015. The defaults change nothing.
    """

    results_version: ClassVar[int] = 1

    known: Count = 10
    novel: Annotated[int, Ge(0)] = 10
    initial_per_class: Annotated[int, Ge(1)] = 100
    pool_per_class: Count = 100
    test_per_class: Count = 100
    imbalance: Annotated[float, Ge(1)] = 1.0
    label_noise: Annotated[float, Ge(0), Le(1)] = 0.0
    duplicates: Annotated[float, Ge(0), Le(1)] = 0.0
    rejected: Annotated[int, Ge(0)] = 0

    @abstractmethod
    def data(self) -> LabeledImages:
        """Return the data set. It is asked for once a cell: keep it, or map it from disk."""

    def fingerprint(self, seed: int) -> str:  # noqa: ARG002 - the same data for every seed
        """Return the fingerprint of the whole data set."""
        return self.data().fingerprint

    def split(self, seed: int) -> Split:
        """Draw the classes, then each class's images from a stream of its own; vary and shuffle the pool."""
        data = self.data()
        n_known = self._n_known(data)
        n_named = n_known + self.novel
        classes = stream(seed, "classes").permutation(len(data.class_names))[: n_named + self.rejected].tolist()
        initial: list[Indices] = []
        pool: list[Indices] = []
        test: list[Indices] = []
        for position, label in enumerate(classes):
            n_initial = self.initial_per_class if position < n_known else 0
            share = share_of_class(position, len(classes), self.imbalance)
            drawn = self._draw(data, label, n_initial, share, position < n_named, stream(seed, "split", label))
            for rows, part in zip((initial, pool, test), drawn, strict=True):
                rows.append(part)
        pooled = np.concatenate(pool)
        if self.duplicates:
            data, pooled = _with_repeated(data, pooled, repeated(pooled, self.duplicates, stream(seed, "duplicates")))
        named, rejected = classes[:n_named], classes[n_named:]
        noise = stream(seed, "label noise")
        varies = self.label_noise > 0 or bool(rejected)
        return Split(
            images=data.images,
            labels=data.labels,
            initial=np.concatenate(initial),
            pool=pooled[stream(seed, "pool order").permutation(len(pooled))],
            test=np.concatenate(test),
            class_names=data.class_names,
            known=classes[:n_known],
            rejected=rejected,
            answers=answers(data.labels, pooled, named, rejected, self.label_noise, noise) if varies else None,
            files=data.files,
            notes=data.notes,
        )

    def _n_known(self, data: LabeledImages) -> int:
        """Return how many classes are known; RequestError where the data have too few."""
        there = len(data.class_names)
        n_known = max(there - self.novel - self.rejected, 1) if self.known == "all" else self.known
        if n_known + self.novel + self.rejected > there:
            further = f", rejected={self.rejected}" if self.rejected else ""
            raise RequestError(
                f"known={self.known}, novel={self.novel}{further} ask for {n_known + self.novel + self.rejected} "
                f"classes, and the data have {there}; lower one of them"
            )
        if self.label_noise and n_known + self.novel < 2:
            raise RequestError(f"label_noise={self.label_noise:g}, and there is no other class to name; raise known")
        return n_known

    def _draw(
        self, data: LabeledImages, label: int, n_initial: int, share: float, is_tested: bool, draws: np.random.Generator
    ) -> tuple[Indices, Indices, Indices]:
        """Return rows of one class for the initial set, the pool (this share of what it may have) and the test set."""
        of_class = data.labels == label
        n_test: Count = self.test_per_class if is_tested else 0
        if data.is_test is None:
            if n_test == "all":
                raise RequestError("test_per_class=all, and the data come without a test part; give a number")
            rows = draws.permutation(np.flatnonzero(of_class))
            test, rest = rows[:n_test], rows[n_test:]
            there = f"{len(rows)} images"
        else:
            rest = draws.permutation(np.flatnonzero(of_class & ~data.is_test))
            rows = draws.permutation(np.flatnonzero(of_class & data.is_test))
            test = rows if n_test == "all" else rows[:n_test]
            there = f"{len(rest)} images and {len(rows)} of the test part"
        most = len(rest) - n_initial if self.pool_per_class == "all" else self.pool_per_class
        n_pool = max(round(share * most), 1)
        least = 1 if n_test == "all" else n_test
        if len(rest) < n_initial + n_pool or len(test) < least:
            raise RequestError(
                f"class {data.class_names[label]!r} has {there}, and {n_initial} for the initial set, {n_pool} for the "
                f"pool and {least} for the test are asked for; lower initial_per_class, pool_per_class or "
                "test_per_class"
            )
        return rest[:n_initial], rest[n_initial : n_initial + n_pool], test


def _with_repeated(data: LabeledImages, pool: Indices, again: Indices) -> tuple[LabeledImages, Indices]:
    """Return the data with rows appended that repeat others, and the pool with these."""
    longer = replace(
        data,
        images=np.concatenate([data.images, data.images[again]]),
        labels=np.concatenate([data.labels, data.labels[again]]),
        files=None if data.files is None else [*data.files, *(data.files[row] for row in again.tolist())],
    )
    return longer, np.concatenate([pool, len(data.labels) + np.arange(len(again))])
