"""What makes a scenario harder, drawn after its ordinary split: imbalance, wrong answers, repeated images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

UNNAMED = -1  # the answer of an oracle that cannot name a class

Rows = NDArray[np.int64]


def share_of_class(position: int, n_classes: int, imbalance: float) -> float:
    """Return what a class keeps of its pool: 1 for the first, 1 / imbalance for the last, exponential in between."""
    return float(imbalance ** (-position / max(n_classes - 1, 1)))


def repeated(pool: Rows, share: float, draws: np.random.Generator) -> Rows:
    """Return the rows of a pool that occur once more: this share of them, each at most once."""
    return pool[draws.permutation(len(pool))[: round(share * len(pool))]]


def answers(
    labels: Rows, pool: Rows, named: Sequence[int], rejected: Sequence[int], noise: float, draws: np.random.Generator
) -> Rows:
    """Return what an oracle says of each row: its label, UNNAMED for a rejected class, at times another class.

    For each row of the pool alone, the answer is wrong with probability `noise`, and then uniform over the other
    classes that can be named.
    """
    said = labels.copy()
    rows = np.sort(pool)  # no matter in which order strategies see them
    is_wrong = draws.random(len(rows)) < noise
    steps = draws.integers(1, max(len(named), 2), size=len(rows))
    place = {label: number for number, label in enumerate(named)}
    for row, step in zip(rows[is_wrong].tolist(), steps[is_wrong].tolist(), strict=True):
        if (at := place.get(int(labels[row]))) is not None:
            said[row] = named[(at + step) % len(named)]
    said[np.isin(labels, list(rejected))] = UNNAMED
    return said
