"""The leaderboard: who is ahead, and by how much of a paired difference."""

from __future__ import annotations

import numpy as np
import pandas as pd

from albench.analysis.curves import areas
from albench.analysis.intervals import MeanInterval
from albench.analysis.pairs import compare, groups

COLUMNS = (
    "setting",
    "strategy",
    "n_seeds",
    "accuracy_area",
    "accuracy_area_low",
    "accuracy_area_high",
    "accuracy_difference",
    "accuracy_difference_low",
    "accuracy_difference_high",
    "n_pairs",
    "missing_pairs",
    "missing_seeds",
    "wins",
    "ties",
    "losses",
    "detectable",
    "detectable_power",
    "mean_rank",
    "accuracy_final",
    "classes_area",
    "query_seconds",
)


def leaderboard(rounds: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return one row a (setting, strategy), best first by the area under the accuracy curve.

    `accuracy_area` and `classes_area` are mean heights over labelled images, `accuracy_difference` with its
    bounds is that area minus the reference's at the same seed (mean, 95 % t interval), `mean_rank` the mean
    over the seeds that all strategies have (1 is best, ties share). What cannot be had is NaN: the
    reference's own difference, bounds from one seed.
    """
    cells = areas(rounds)
    if cells.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    rows = []
    for (setting, strategy), own in groups(cells):
        area = MeanInterval.of(own["accuracy_area"])
        rows.append(
            {
                "setting": setting,
                "strategy": strategy,
                "n_seeds": len(own),
                "accuracy_area": area.mean,
                "accuracy_area_low": area.low,
                "accuracy_area_high": area.high,
                "accuracy_final": own["accuracy_final"].mean(),
                "classes_area": own["classes_area"].mean(),
                "query_seconds": own["query_seconds"].mean(),
            }
        )
    paired = compare(cells, "accuracy_area", reference)
    paired.columns = [f"accuracy_{name}" if name.startswith("difference") else name for name in paired.columns]
    frame = pd.DataFrame(rows).merge(paired, on=["setting", "strategy"], how="left")
    frame = frame.merge(mean_ranks(cells), on=["setting", "strategy"], how="left")
    counts = ["n_pairs", "missing_pairs", "wins", "ties", "losses"]
    frame[counts] = frame[counts].astype("Int64")
    frame["missing_seeds"] = frame["missing_seeds"].fillna("")
    return _best_first(frame)[list(COLUMNS)]


def mean_ranks(cells: pd.DataFrame, column: str = "accuracy_area") -> pd.DataFrame:
    """Return setting, strategy, mean_rank: the mean of its ranks over the seeds that all strategies have."""
    pieces = []
    for setting, own in cells.groupby("setting", sort=False):
        table = own.pivot(index="seed", columns="strategy", values=column)
        ranks = table.dropna().rank(axis=1, ascending=False)
        mean = ranks.mean() if len(ranks) else pd.Series(np.nan, index=table.columns)
        pieces.append(pd.DataFrame({"setting": setting, "strategy": table.columns, "mean_rank": mean.to_numpy()}))
    return pd.concat(pieces, ignore_index=True)


def _best_first(frame: pd.DataFrame) -> pd.DataFrame:
    order = {setting: place for place, setting in enumerate(frame["setting"].unique())}
    keyed = frame.assign(_setting=frame["setting"].map(order))
    keyed = keyed.sort_values(["_setting", "accuracy_area", "strategy"], ascending=[True, False, True])
    return keyed.drop(columns="_setting").reset_index(drop=True)
