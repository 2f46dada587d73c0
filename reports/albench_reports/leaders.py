"""Which of many strategies a page begins with: those ahead, and the one that others are compared with."""

from __future__ import annotations

import pandas as pd

from albench import Results

MANY = 10  # more lines than this in one figure cannot be told apart
LINES_AT_FIRST = 8


def by_lead(results: Results) -> list[str]:
    """Return all strategies, best first: by rank of the mean area under the accuracy curve, averaged over settings.

    Equal ones, and those without a finished cell, which come last, stay in the study's order.
    """
    cells = results.areas
    if cells.empty:
        return list(results.strategies)
    means = cells.groupby(["setting", "strategy"])["accuracy_area"].mean()
    ranks = means.groupby("setting").rank(ascending=False).groupby("strategy").mean()
    places: pd.Series[float] = ranks.reindex(results.strategies).fillna(float("inf"))
    return [str(name) for name in places.sort_values(kind="stable").index]


def first(results: Results, most: int) -> list[str]:
    """Return all of few strategies, in the study's order; of many, `most`: the reference and the leading ones."""
    if len(results.strategies) <= MANY:
        return results.strategies
    leading = by_lead(results)
    kept = set([name for name in leading if name != results.reference][: most - 1]) | {results.reference}
    return [name for name in leading if name in kept]
