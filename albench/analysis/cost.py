"""What a strategy costs: time of queries, training and evaluation, and memory."""

from __future__ import annotations

import pandas as pd

from albench.analysis.pairs import groups

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


def costs(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return one row a (setting, strategy): mean and largest times of a round, of a cell, and the largest peak.

    Round 0 is left out of the means of a round: it has no query, and its training is the shared initial one's.
    """
    rows = []
    for (setting, strategy), own in groups(rounds):
        later = own[own["round"] > 0]
        spent = later[["seed", "query_seconds", "train_seconds", "eval_seconds"]].groupby("seed").sum().sum(axis=1)
        rows.append(
            {
                "setting": setting,
                "strategy": strategy,
                "query_seconds": later["query_seconds"].mean(),
                "query_seconds_largest": later["query_seconds"].max(),
                "train_seconds": later["train_seconds"].mean(),
                "eval_seconds": own["eval_seconds"].mean(),
                "cell_minutes": spent.mean() / 60,
                "peak_memory_megabytes": later["peak_memory_bytes"].astype("Float64").max() / 1e6,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
