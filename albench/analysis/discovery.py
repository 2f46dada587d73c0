"""How classes are found: coverage, ratio and uniformity of queries, and queries until the k-th novel class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from albench.analysis.intervals import SHARE, MeanInterval
from albench.analysis.pairs import CELL, groups

METRICS = ("coverage", "ratio", "uniformity", "queries_to_half")


def discoveries(rounds: pd.DataFrame, n_novel: Mapping[str, int]) -> pd.DataFrame:
    """Return how each cell discovered, one row a cell.

    `n_novel` is the number of novel classes of each setting. coverage: novel classes found / all; ratio: queries of a
    novel class / queries, or, where a query is of several classes, their examples / queried examples; uniformity:
    entropy of the queried novel labels / log of the number of novel classes (after Ma et al., Active Generalized
    Category Discovery, CVPR 2024); queries_to_half: queries until half of them were found, NaN where they were not.
    What a setting without novel classes cannot have is NaN.
    """
    rows = []
    for (setting, strategy, seed), own in rounds.groupby(CELL, sort=False):
        total = n_novel.get(str(setting), 0)
        ordered = own.sort_values("round")
        queries = ordered[ordered["round"] > 0]
        asked = queries[_column(queries, "query_is_novel").astype("boolean").fillna(False)]
        row = {"setting": setting, "strategy": strategy, "seed": seed}
        row["coverage"] = ordered["n_novel_found"].iloc[-1] / total if total else math.nan
        row["ratio"] = _ratio(queries, asked) if len(queries) and total else math.nan
        row["uniformity"] = _entropy(asked["query_class"]) / math.log(total) if total > 1 and len(asked) else math.nan
        row["queries_to_half"] = _queries_to(ordered, math.ceil(total / 2)) if total else math.nan
        rows.append(row)
    return pd.DataFrame(rows, columns=[*CELL, *METRICS])


def queries_to_class(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return the queries until the k-th novel class was found, one row a (setting, strategy, k).

    Columns n_seeds, n_reached and median_queries (NaN where half of the seeds did not get there: they are censored).
    """
    rows = []
    for (setting, strategy), own in groups(rounds):
        cells = [cell.sort_values("round") for _, cell in own.groupby("seed")]
        for k in range(1, int(own["n_novel_found"].max()) + 1):
            found = np.array([_queries_to(cell, k) for cell in cells])
            median = float(np.median(np.nan_to_num(found, nan=math.inf)))
            reached = int((~np.isnan(found)).sum())
            row = {"setting": setting, "strategy": strategy, "k": k, "n_seeds": len(cells), "n_reached": reached}
            rows.append({**row, "median_queries": median if math.isfinite(median) else math.nan})
    return pd.DataFrame(rows, columns=["setting", "strategy", "k", "n_seeds", "n_reached", "median_queries"])


def discovery_summary(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each discovery metric over seeds with its 95 % t interval, one row a (setting, strategy).

    Intervals are cut to [0, 1]. Of `queries_to_half` it is the median, NaN where half of the seeds did not get there.
    """
    rows = []
    for (setting, strategy), own in groups(cells):
        row: dict[str, object] = {"setting": setting, "strategy": strategy, "n_seeds": len(own)}
        for metric in METRICS[:-1]:
            one = MeanInterval.of(own[metric], SHARE)
            row |= {metric: one.mean, f"{metric}_low": one.low, f"{metric}_high": one.high}
        median = float(np.median(own["queries_to_half"].fillna(math.inf)))
        rows.append({**row, "queries_to_half": median if math.isfinite(median) else math.nan})
    return pd.DataFrame(rows)


def _column(rounds: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column that protocols may lack, missing where this one does."""
    return rounds[name] if name in rounds else pd.Series(pd.NA, index=rounds.index)


def _ratio(queries: pd.DataFrame, asked: pd.DataFrame) -> float:
    """Return the share of queries of a novel class; where a query is of several classes, of queried examples."""
    novel = _column(queries, "n_novel_queried")
    if novel.isna().all():
        return len(asked) / len(queries) if _column(queries, "query_is_novel").notna().any() else math.nan
    return float(novel.sum()) / sum(len(rows) for rows in queries["query_indices"])


def _queries_to(ordered: pd.DataFrame, k: int) -> float:
    reached = ordered.loc[ordered["n_novel_found"] >= k, "round"]
    return float(reached.iloc[0]) if len(reached) else math.nan


def _entropy(labels: pd.Series) -> float:
    share = labels.value_counts(normalize=True).to_numpy(dtype=float)
    return float(-(share * np.log(share)).sum())
