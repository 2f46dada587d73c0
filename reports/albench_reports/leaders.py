"""Which of many strategies a page begins with: those ahead, and the one that others are compared with."""

from __future__ import annotations

import pandas as pd

from albench.analysis.curves import areas
from albench.contracts.report import Results

MANY = 10  # more lines than this in one figure cannot be told apart
LINES_AT_FIRST = 8  # as many as there are colours


def by_lead(results: Results) -> list[str]:
    """Return all strategies, best first: by rank of the mean area under the accuracy curve, averaged over scenarios.

    Equal ones, and those without a finished cell, which come last, stay in the study's order.
    """
    cells = areas(results.rounds)
    if cells.empty:
        return list(results.strategies)
    means = cells.groupby(["scenario", "strategy"])["accuracy_area"].mean()
    ranks = means.groupby("scenario").rank(ascending=False).groupby("strategy").mean()
    places: pd.Series[float] = ranks.reindex(results.strategies).fillna(float("inf"))
    return [str(name) for name in places.sort_values(kind="stable").index]


def first_to_last(results: Results) -> list[str]:
    """Return all strategies: of many, those that figures begin with, then the others; of few, in the study's order."""
    if len(results.strategies) <= MANY:
        return list(results.strategies)
    shown = first(results, LINES_AT_FIRST)
    return [*shown, *(name for name in by_lead(results) if name not in shown)]


def first(results: Results, most: int) -> list[str]:
    """Return at most `most` strategies, best first: the study's reference and the leading ones."""
    leading = by_lead(results)
    kept = set([name for name in leading if name != results.reference][: most - 1]) | {results.reference}
    return [name for name in leading if name in kept]
