"""Which ranks the seeds can tell apart: all pairs of strategies are tested, and groups of ties get letters."""

from __future__ import annotations

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
    are better, rank_high is k - the number that are worse. `group` is a compact letter display: strategies without a
    common letter are told apart, and "a" holds the best; see `letters`.
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
            "group": letters(better),
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
    sizes = np.nan_to_num(np.abs(values)).max(axis=0, initial=0.0)
    scale = np.maximum(sizes[first], sizes[second])
    p, sign = paired_t_columns(values[:, first] - values[:, second], scale)
    apart = holm(p) < 1 - CONFIDENCE
    better = np.zeros((k, k), dtype=bool)
    better[first, second] = apart & (sign > 0)
    better[second, first] = apart & (sign < 0)
    return better


def letters(better: Matrix) -> list[str]:
    """Return the groups of strategies, the best first, by letters: "a", "ab", "b".

    `better`, (k, k), says whether i is told to be better than j.
    A group is a run of neighbours: i and j are in no common one where i is better than j, and so is everything before i
    than everything after j. Few seeds tell pairs apart irregularly, and a display of every such pair would need more
    letters than there are strategies. Beyond 26 groups follow "a1" and so on.
    """
    apart = np.logical_and.accumulate(better, axis=0)
    apart = np.logical_and.accumulate(apart[:, ::-1], axis=1)[:, ::-1]
    ends = [int((~apart[place]).nonzero()[0].max()) for place in range(len(better))]
    starts = [place for place, end in enumerate(ends) if not place or end > ends[place - 1]]
    return [
        "".join(_name(number) for number, start in enumerate(starts) if start <= place <= ends[start])
        for place in range(len(better))
    ]


def _name(place: int) -> str:
    """Return "a" to "z", then "a1" and so on."""
    turn, letter = divmod(place, len(ascii_lowercase))
    return ascii_lowercase[letter] + (str(turn) if turn else "")
