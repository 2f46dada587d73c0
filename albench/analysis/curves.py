"""Learning curves: means over seeds with bands, differences to a reference, and areas."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from albench.analysis.grids import grids, stacked
from albench.analysis.intervals import SHARE, Bounds, columns_mean, moments
from albench.analysis.pairs import CELL

METRICS = ("accuracy", "accuracy_known", "accuracy_novel", "n_classes")
_OF_AREAS = ("n_labeled", "accuracy", "n_classes", "query_seconds")


def comparable(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return the rounds that every cell of their setting has: areas of unequal budgets do not compare."""
    if rounds.empty:
        return rounds
    last = rounds.groupby(CELL)["round"].max().groupby("setting").min()
    return rounds[rounds["round"] <= rounds["setting"].map(last)]


def area(budget: ArrayLike, values: ArrayLike) -> NDArray[np.float64]:
    """Return the normalised area under each curve along the last axis, which is its mean height over the budget.

    The trapezoidal sum of (a_k + a_k+1)(b_k+1 - b_k) / (2 (b_K - b_1)); of a single point, its height.
    """
    b, a = np.asarray(budget, dtype=float), np.asarray(values, dtype=float)
    if a.shape[-1] == 1:
        return a[..., 0]
    doubled = ((a[..., :-1] + a[..., 1:]) * np.diff(b)).sum(axis=-1)
    return np.asarray(doubled / (2 * (b[..., -1] - b[..., 0])))


def areas(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return what each cell comes to, one row a cell.

    Columns setting, strategy, seed, accuracy_area, classes_area, accuracy_final, query_seconds. Only rounds that
    every cell of the setting has count. `query_seconds` is the mean over the queries.
    """
    pieces = [
        {
            "setting": setting,
            "strategy": strategy,
            "seed": own.seeds,
            "accuracy_area": area(own["n_labeled"], own["accuracy"]),
            "classes_area": area(own["n_labeled"], own["n_classes"]),
            "accuracy_final": own["accuracy"][:, -1],
            "query_seconds": moments(own["query_seconds"].T)[0],
        }
        for (setting, strategy), own in grids(comparable(rounds), _OF_AREAS).items()
    ]
    return stacked(pieces, [*CELL, "accuracy_area", "classes_area", "accuracy_final", "query_seconds"])


def mean_curves(
    rounds: pd.DataFrame, metrics: tuple[str, ...] = METRICS, n_classes: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """Return the mean over seeds of each metric at each round, with its pointwise 95 % t interval.

    One row a (setting, strategy, metric, round): n_labeled (mean), n_seeds, mean, low, high; NaN bounds for
    one seed. Intervals are cut to what is possible: shares to [0, 1], times to what is positive, known classes to those
    that a setting starts with and has (`n_classes`, by setting).
    """
    pieces = []
    for (setting, strategy), own in grids(rounds, ["n_labeled", *metrics]).items():
        labeled = moments(own["n_labeled"])[0]
        for metric in metrics:
            bounds = _bounds(metric, own[metric], (n_classes or {}).get(setting, math.inf))
            summary = columns_mean(own[metric], bounds)
            n_seeds = summary.pop("count").astype(np.int64)
            named = {"setting": setting, "strategy": strategy, "metric": metric}
            pieces.append({**named, "round": own.rounds, "n_labeled": labeled, **summary, "n_seeds": n_seeds})
    columns = ["setting", "strategy", "metric", "round", "n_labeled", "mean", "low", "high", "n_seeds"]
    return stacked(pieces, columns)


def _bounds(metric: str, values: NDArray[np.float64], n_classes: float) -> Bounds:
    if metric == "n_classes":
        return float(np.nanmin(values[:, 0])), n_classes  # a network never forgets a class
    return SHARE if metric.startswith("accuracy") else (0.0, math.inf)
