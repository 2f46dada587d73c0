"""Which ranks the seeds can tell apart: all pairs of strategies are tested, and groups of ties get letters."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from albench.analysis.intervals import CONFIDENCE, paired_t_columns
from albench.analysis.significance import holm

Matrix = NDArray[np.bool_]


def rank_groups(cells: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return between which ranks each strategy lies, and whom it ties with, one row a (setting, strategy).

    `cells` has one row a cell: setting, strategy, seed, `column`, higher is better. Every two strategies of a setting
    are compared by a paired t test with the variance of their own differences; Holm's method corrects for the number
    of pairs, so that with 95 % confidence no two are wrongly told apart. rank_low is 1 + the number of strategies that
    are better, rank_high is k - the number that are worse; `group` is the compact letter display (Piepho 2004): two
    strategies share a letter exactly where they are not told apart, and "a" holds the best.
    """
    pieces = []
    for setting, own in cells.groupby("setting", sort=False):
        table = own.pivot(index="seed", columns="strategy", values=column)
        order = table.mean().sort_values(ascending=False, kind="stable").index
        better = told_apart(table[order].to_numpy(dtype=float))
        piece = {
            "setting": setting,
            "strategy": order,
            "rank_low": 1 + better.sum(axis=0),
            "rank_high": len(order) - better.sum(axis=1),
            "group": letters(better | better.T),
        }
        pieces.append(pd.DataFrame(piece))
    columns = ["setting", "strategy", "rank_low", "rank_high", "group"]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)


def told_apart(values: NDArray[np.float64]) -> Matrix:
    """Return for (N seeds, k) values whether i is better than j, (k, k), all pairs together at .05.

    Pairs with fewer than two common seeds, or the same difference at each of them, are not told apart.
    """
    k = values.shape[1]
    first, second = np.triu_indices(k, 1)
    p, sign = paired_t_columns(values[:, first] - values[:, second])
    apart = holm(p) < 1 - CONFIDENCE
    better = np.zeros((k, k), dtype=bool)
    better[first, second] = apart & (sign > 0)
    better[second, first] = apart & (sign < 0)
    return better


def letters(differ: Matrix) -> list[str]:
    """Return the compact letter display of (k, k) differences between strategies, the best first: "a", "ab", "b".

    By insertion and absorption (Piepho, An algorithm for a letter-based representation of all-pairwise comparisons,
    2004).
    """
    groups = [frozenset(range(len(differ)))]
    for one, other in zip(*np.nonzero(np.triu(differ)), strict=True):
        both = [group for group in groups if {one, other} <= group]
        parts = {group - {out} for group in both for out in (one, other)}
        groups = _largest([group for group in groups if group not in both] + sorted(parts, key=sorted))
    groups.sort(key=sorted)
    names = [_name(place) for place in range(len(groups))]
    return [
        "".join(name for name, group in zip(names, groups, strict=True) if place in group)
        for place in range(len(differ))
    ]


def _largest(groups: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """Return the groups that no other one holds, each once."""
    different = list(dict.fromkeys(groups))
    return [group for group in different if not any(group < other for other in different)]


def _name(place: int) -> str:
    """Return "a" to "z", then "a1" and so on."""
    turn, letter = divmod(place, len(ascii_lowercase))
    return ascii_lowercase[letter] + (str(turn) if turn else "")
