"""What may be labelled next: the unlabelled examples, each content once, in an order that says nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albench.contracts.partly_labeled import PartlyLabeled
from albench.contracts.scenario import Indices, Inputs
from albench.errors import RequestError
from albench.rng import stream


@dataclass(frozen=True)
class Pool:
    """The rows of the unlabelled examples that can be asked for, and what identifies contents."""

    rows: Indices  # (n_pool,), of the unlabelled examples
    labeled_hashes: Sequence[str]  # (N,), of the labelled examples' contents
    hashes: Sequence[str]  # (M,), of all unlabelled examples' contents
    notes: Sequence[str]  # what was left out

    @classmethod
    def of(cls, data: PartlyLabeled, seed: int) -> Pool:
        """Return the pool: content decides what is the same, and the seed shuffles; RequestError where it is empty.

        An example whose content is labelled already is left out, and of several of one content all but the first by
        name: as the network sees them they are the same, and one label is enough.
        """
        labeled, hashes = _hashes(data.labeled.images), _hashes(data.unlabeled)
        known = set(labeled)
        first: dict[str, int] = {}
        for row in sorted(range(len(hashes)), key=lambda row: data.files[row]):
            if hashes[row] not in known:
                first.setdefault(hashes[row], row)
        pooled = [first[content] for content in sorted(first)]
        rows = np.array(pooled, dtype=np.int64)[stream(seed, "pool order").permutation(len(pooled))]
        labeled_again = [row for row, content in enumerate(hashes) if content in known]
        repeated = [row for row, content in enumerate(hashes) if first.get(content, row) != row]
        pool = cls(rows, labeled, hashes, [*_notes(data, labeled_again, repeated), *_contradictions(data, labeled)])
        if not pooled:
            why = pool.notes[0] if pool.notes else "every example has a label"
            raise RequestError(f"nothing is left to label: {why}")
        return pool


def _hashes(inputs: Inputs) -> list[str]:
    return [hashlib.sha256(np.ascontiguousarray(one).tobytes()).hexdigest() for one in inputs]


def _notes(data: PartlyLabeled, labeled: Sequence[int], repeated: Sequence[int]) -> list[str]:
    """Return a sentence for each kind of examples that are left out, with the first by name."""
    kinds = ((labeled, "labelled already", "among the labelled ones"), (repeated, "there twice", "another file's copy"))
    return [
        f"{min(data.files[row] for row in rows)}{_more(len(rows))} left out: {what}, of the same content as {as_what}"
        for rows, what, as_what in kinds
        if rows
    ]


def _contradictions(data: PartlyLabeled, hashes: Sequence[str]) -> list[str]:
    """Return a sentence where labelled examples of the same content have different labels."""
    assert data.labeled.files is not None
    first: dict[str, int] = {}
    pairs = [
        (data.labeled.files[other], data.labeled.files[row])
        for row, content in enumerate(hashes)
        if data.labeled.labels[other := first.setdefault(content, row)] != data.labeled.labels[row]
    ]
    others = f", and {len(pairs) - 1} more" if len(pairs) > 1 else ""
    return [f"{one} and {other}{others} are the same, and labelled differently" for one, other in pairs[:1]]


def _more(count: int) -> str:
    return " is" if count == 1 else f" and {count - 1} more are"


def stop_set(n: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return at most so many of n places, drawn once for a seed, in rising order."""
    return np.sort(stream(seed, "stop set").permutation(n)[:most])
