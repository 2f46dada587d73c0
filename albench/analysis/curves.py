"""Learning curves: means over seeds with bands, differences to a reference, and areas."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from albench.analysis.intervals import SHARE, Bounds, columns_mean
from albench.analysis.pairs import CELL, groups

METRICS = ("accuracy", "accuracy_known", "accuracy_novel", "n_classes")


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
    pieces = []
    for (setting, strategy), own in groups(comparable(rounds)):
        accuracy, budget, classes, seconds = (
            own.pivot(index="seed", columns="round", values=name)
            for name in ("accuracy", "n_labeled", "n_classes", "query_seconds")
        )
        piece = {
            "setting": setting,
            "strategy": strategy,
            "seed": accuracy.index,
            "accuracy_area": area(budget, accuracy),
            "classes_area": area(budget, classes),
            "accuracy_final": accuracy.iloc[:, -1].to_numpy(),
            "query_seconds": seconds.mean(axis=1).to_numpy(),
        }
        pieces.append(pd.DataFrame(piece))
    columns = [*CELL, "accuracy_area", "classes_area", "accuracy_final", "query_seconds"]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)


def mean_curves(
    rounds: pd.DataFrame, metrics: tuple[str, ...] = METRICS, n_classes: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """Return the mean over seeds of each metric at each round, with its pointwise 95 % t interval.

    One row a (setting, strategy, metric, round): n_labeled (mean), n_seeds, mean, low, high; NaN bounds for
    one seed. Intervals are cut to what is possible: shares to [0, 1], times to what is positive, known classes to those
    that a setting starts with and has (`n_classes`, by setting).
    """
    pieces = []
    for (setting, strategy), own in groups(rounds):
        labeled = own.groupby("round")["n_labeled"].mean()
        for metric in metrics:
            table = own.pivot(index="seed", columns="round", values=metric)
            bounds = _bounds(metric, table, (n_classes or {}).get(setting, math.inf))
            summary = columns_mean(table.to_numpy(dtype=float), bounds)
            piece = pd.DataFrame({"round": table.columns, "n_labeled": labeled.to_numpy(), **summary})
            piece = piece.rename(columns={"count": "n_seeds"}).astype({"n_seeds": "int64"})
            pieces.append(piece.assign(setting=setting, strategy=strategy, metric=metric))
    columns = ["setting", "strategy", "metric", "round", "n_labeled", "mean", "low", "high", "n_seeds"]
    return pd.concat(pieces, ignore_index=True)[columns] if pieces else pd.DataFrame(columns=columns)


def _bounds(metric: str, table: pd.DataFrame, n_classes: float) -> Bounds:
    if metric == "n_classes":
        return float(table.iloc[:, 0].min()), n_classes  # a network never forgets a class
    return SHARE if metric.startswith("accuracy") else (0.0, math.inf)
