"""What a strategy costs: time of queries, training and evaluation, and memory."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from albench.analysis.grids import grids

COLUMNS = (
    "setting",
    "strategy",
    "query_seconds",
    "query_seconds_largest",
    "train_seconds",
    "eval_seconds",
    "cell_minutes",
    "peak_memory_megabytes",
)
_SECONDS = ("query_seconds", "train_seconds", "eval_seconds")


def costs(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return one row a (setting, strategy): mean and largest times of a round, of a cell, and the largest peak.

    Round 0 is left out of the means of a round: it has no query, and its training is the shared initial one's.
    """
    rows = []
    for (setting, strategy), own in grids(rounds, ["round", *_SECONDS, "peak_memory_bytes"]).items():
        later = own.rounds > 0
        asked = ~np.isnan(own["round"][:, later]).all(axis=1)  # seeds with a query
        seconds = {name: own[name][:, later] for name in _SECONDS}
        spent = np.sum([np.nansum(one[asked], axis=1) for one in seconds.values()], axis=0)
        rows.append(
            {
                "setting": setting,
                "strategy": strategy,
                "query_seconds": _mean(seconds["query_seconds"]),
                "query_seconds_largest": _largest(seconds["query_seconds"]),
                "train_seconds": _mean(seconds["train_seconds"]),
                "eval_seconds": _mean(own["eval_seconds"]),
                "cell_minutes": _mean(spent) / 60,
                "peak_memory_megabytes": _largest(own["peak_memory_bytes"][:, later]) / 1e6,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan


def _largest(values: NDArray[np.float64]) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else math.nan
