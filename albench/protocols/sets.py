"""Candidate sets: M sets of K pool examples, each of a single class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draw_sets(
    pool_labels: NDArray[np.int64], n_sets: int, set_size: int, draws: np.random.Generator
) -> NDArray[np.int64] | None:
    """Return candidate sets as positions in the pool, int64, (n_sets, set_size).

    For each set: a class drawn uniformly among those with at least `set_size` examples left, then that many of its
    examples without replacement. None when no class has that many left. True labels are used here, as in the
    paper; strategies never see them.
    """
    labels, counts = np.unique(pool_labels, return_counts=True)
    eligible = labels[counts >= set_size]
    if len(eligible) == 0:
        return None
    chosen = eligible[draws.integers(len(eligible), size=n_sets)]
    sets = np.empty((n_sets, set_size), dtype=np.int64)
    for label in eligible:
        members = np.flatnonzero(pool_labels == label)
        of_class = np.flatnonzero(chosen == label)
        keys = draws.random((len(of_class), len(members)))
        sets[of_class] = members[np.argsort(keys, axis=1)[:, :set_size]]
    return sets
