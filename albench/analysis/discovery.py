"""How classes are found: coverage, ratio and uniformity of queries, and queries until the k-th novel class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from albench.analysis.grids import grids
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
    if rounds.empty:
        return pd.DataFrame(columns=[*CELL, *METRICS])
    group = np.asarray(rounds.groupby(CELL, sort=False).ngroup(), dtype=np.int64)
    order = np.lexsort((rounds["round"].to_numpy(), group))
    ordered, cell = rounds.iloc[order], group[order]
    last = np.searchsorted(cell, np.arange(cell[-1] + 1), side="right") - 1
    cells = ordered.iloc[last]
    total = cells["setting"].map(lambda setting: n_novel.get(str(setting), 0)).to_numpy(dtype=float)
    some = np.where(total > 0, total, np.nan)
    several = np.where(total > 1, total, np.nan)
    frame = cells[CELL].reset_index(drop=True)
    frame["coverage"] = cells["n_novel_found"].to_numpy() / some
    is_query = ordered["round"].to_numpy() > 0
    queries, own = ordered[is_query], cell[is_query]
    frame["ratio"] = np.where(total > 0, _ratios(queries, own, len(cells)), np.nan)
    frame["uniformity"] = _entropies(queries, own, len(cells)) / np.log(several)
    frame["queries_to_half"] = _queries_to(ordered, cell, np.ceil(some / 2))
    return frame


def queries_to_class(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return the queries until the k-th novel class was found, one row a (setting, strategy, k).

    Columns n_seeds, n_reached and median_queries (NaN where half of the seeds did not get there: they are censored).
    """
    rows = []
    for (setting, strategy), own in grids(rounds, ["n_novel_found"]).items():
        n_found = own["n_novel_found"]
        for k in range(1, int(np.nanmax(n_found)) + 1):
            queries = np.where(n_found >= k, own.rounds, math.inf).min(axis=1)
            median, reached = float(np.median(queries)), int(np.isfinite(queries).sum())
            row = {"setting": setting, "strategy": strategy, "k": k, "n_seeds": len(queries), "n_reached": reached}
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


def _ratios(queries: pd.DataFrame, cell: NDArray[np.int64], n_cells: int) -> NDArray[np.float64]:
    """Return each cell's share of queries of a novel class; where a query is of several classes, of queried examples.

    `cell` is the number of each query's cell.
    """
    is_novel, novel = _column(queries, "query_is_novel"), _column(queries, "n_novel_queried")
    n_queries, n_known = (np.bincount(own, minlength=n_cells) for own in (cell, cell[is_novel.notna()]))
    n_asked = np.bincount(cell[_is_novel(queries)], minlength=n_cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(n_known > 0, n_asked / n_queries, np.nan)
        counted = novel.notna().to_numpy()
        if not counted.any():
            return found
        images = np.bincount(cell, queries["query_indices"].map(len).to_numpy(dtype=float), minlength=n_cells)
        n_novel = np.bincount(cell[counted], novel[counted].to_numpy(dtype=float), minlength=n_cells)
        return np.where(np.bincount(cell[counted], minlength=n_cells) > 0, n_novel / images, found)


def _is_novel(queries: pd.DataFrame) -> NDArray[np.bool_]:
    return _column(queries, "query_is_novel").astype("boolean").fillna(False).to_numpy(dtype=bool)


def _entropies(queries: pd.DataFrame, cell: NDArray[np.int64], n_cells: int) -> NDArray[np.float64]:
    """Return the entropy of each cell's queried novel labels, NaN where it queried none."""
    asked = _is_novel(queries)
    if not asked.any():
        return np.full(n_cells, np.nan)
    own = cell[asked]
    label, labels = pd.factorize(queries["query_class"].to_numpy(dtype=object)[asked])
    pair, counts = np.unique((own * len(labels) + label)[label >= 0], return_counts=True)
    where = pair // max(len(labels), 1)
    share = counts / np.bincount(where, counts, minlength=n_cells)[where]
    entropy = -np.bincount(where, share * np.log(share), minlength=n_cells)
    return np.where(np.bincount(own, minlength=n_cells) > 0, entropy, np.nan)


def _queries_to(ordered: pd.DataFrame, cell: NDArray[np.int64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first round at which each cell has found as many novel classes as wanted, NaN where none is."""
    reached = np.flatnonzero(ordered["n_novel_found"].to_numpy(dtype=float) >= wanted[cell])
    found = np.full(len(wanted), np.nan)
    cells, first = np.unique(cell[reached], return_index=True)
    found[cells] = ordered["round"].to_numpy()[reached[first]]
    return found
