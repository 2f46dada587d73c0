"""Rounds as arrays of seeds x rounds, one a strategy: sorted once, where a pivot for each number would be slow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
Part = tuple[NDArray[np.int64], ...]  # an index into a grid's values


@dataclass(frozen=True)
class Grid:
    """What a strategy's cells recorded in a setting. Seeds and rounds are those that occur, both rising."""

    seeds: NDArray[np.int64]
    rounds: NDArray[np.int64]
    values: Mapping[str, Values]  # by column, (seeds, rounds); NaN where a cell has no such round

    def __getitem__(self, column: str) -> Values:
        return self.values[column]

    def is_alike(self, other: Grid) -> bool:
        """Return whether another strategy has the same seeds and rounds."""
        return np.array_equal(self.seeds, other.seeds) and np.array_equal(self.rounds, other.rounds)

    def common(self, other: Grid) -> tuple[Part, Part]:
        """Return the parts of the two that hold the seeds and rounds which both have."""
        _, *rows = np.intersect1d(self.seeds, other.seeds, assume_unique=True, return_indices=True)
        _, *columns = np.intersect1d(self.rounds, other.rounds, assume_unique=True, return_indices=True)
        here, there = (np.ix_(*places) for places in zip(rows, columns, strict=True))
        return here, there


def grids(rounds: pd.DataFrame, columns: Sequence[str]) -> dict[tuple[str, str], Grid]:
    """Return the numbers of some columns by (setting, strategy), in the order of their first appearance.

    Raises ValueError where a cell has a round twice.
    """
    if rounds.empty:
        return {}
    pair, names = _pairs(rounds)
    seed, number = rounds["seed"].to_numpy(dtype=np.int64), rounds["round"].to_numpy(dtype=np.int64)
    order = np.lexsort((number, seed, pair))
    pair, seed, number = pair[order], seed[order], number[order]
    if ((np.diff(pair) == 0) & (np.diff(seed) == 0) & (np.diff(number) == 0)).any():
        raise ValueError("a cell has a round twice; give each row once")
    values = {name: rounds[name].to_numpy(dtype=float, na_value=np.nan)[order] for name in columns}
    ends = np.searchsorted(pair, np.arange(len(names) + 1))
    spans = (slice(*span) for span in pairwise(ends))
    return {
        name: _grid(seed[own], number[own], {column: one[own] for column, one in values.items()})
        for name, own in zip(names, spans, strict=True)
    }


def by_setting(found: Mapping[tuple[str, str], Grid]) -> Iterator[tuple[str, dict[str, Grid]]]:
    """Yield each setting with the grids of its strategies."""
    settings: dict[str, dict[str, Grid]] = {}
    for (setting, strategy), own in found.items():
        settings.setdefault(setting, {})[strategy] = own
    yield from settings.items()


def stacked(pieces: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Return pieces of a frame as one: each maps columns to arrays of one length, or to one value for all its rows."""
    if not pieces:
        return pd.DataFrame(columns=list(columns))
    lengths = [next(len(value) for value in piece.values() if isinstance(value, np.ndarray)) for piece in pieces]
    data = {}
    for name in columns:
        values = [piece[name] for piece in pieces]
        if isinstance(values[0], np.ndarray):
            data[name] = np.concatenate(values)
        else:
            kept = np.array(values, dtype=object) if isinstance(values[0], str) else np.array(values)
            data[name] = np.repeat(kept, lengths)
    return pd.DataFrame(data)


def _pairs(rounds: pd.DataFrame) -> tuple[NDArray[np.int64], list[tuple[str, str]]]:
    """Return for each row the number of its (setting, strategy), counted by first appearance, and what they are."""
    (setting, settings), (strategy, strategies) = (pd.factorize(rounds[name]) for name in ("setting", "strategy"))
    pair, found = pd.factorize(setting.astype(np.int64) * len(strategies) + strategy)
    places = (divmod(int(one), len(strategies)) for one in found)
    return pair.astype(np.int64), [(str(settings[one]), str(strategies[other])) for one, other in places]


def _grid(seed: NDArray[np.int64], number: NDArray[np.int64], values: Mapping[str, Values]) -> Grid:
    seeds, row = np.unique(seed, return_inverse=True)
    rounds, column = np.unique(number, return_inverse=True)
    shape = (len(seeds), len(rounds))
    if len(seed) == len(seeds) * len(rounds):  # every cell has every round: they lie in order already
        return Grid(seeds, rounds, {name: one.reshape(shape) for name, one in values.items()})
    filled = {}
    for name, one in values.items():
        filled[name] = np.full(shape, np.nan)
        filled[name][row, column] = one
    return Grid(seeds, rounds, filled)
