"""The leaderboard: who is ahead, and by how much of a paired difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from albench.analysis.curves import areas
from albench.analysis.intervals import SHARE, MeanInterval
from albench.analysis.lines import reference_lines
from albench.analysis.pairs import compare, groups
from albench.analysis.ranks import rank_groups

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
    "claimable",
    "verdict",
    "rank_low",
    "rank_high",
    "group",
    "mean_rank",
    "accuracy_final",
    "classes_area",
    "query_seconds",
    "reason",
)


def leaderboard(rounds: pd.DataFrame, reference: str, cells: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return one row a (setting, strategy), best first by the area under the accuracy curve; reference lines have none.

    `accuracy_area` and `classes_area` are mean heights over labelled images, `accuracy_difference` with its
    bounds and `verdict` is that area minus the reference's at the same seed as `compare` defines it, `rank_low`,
    `rank_high` and `group` say what the seeds can tell of ranks (see `rank_groups`), `mean_rank` is the mean
    over the seeds that all strategies have (1 is best, ties share). What cannot be had is NaN: the
    reference's own difference, bounds from one seed.

    With `cells` (setting, strategy, status, reason of each requested cell) strategies without a finished cell stay,
    last and without numbers, and `reason` says why; it is empty for the others.
    """
    lines = list(reference_lines(rounds))
    found = areas(rounds[~rounds["strategy"].isin(lines)]) if lines else areas(rounds)
    own = None if cells is None else cells[~cells["strategy"].isin(lines)]
    return leaderboards(found, [reference], own)[reference]


def leaderboards(
    areas_of_cells: pd.DataFrame, references: Sequence[str], cells: pd.DataFrame | None = None
) -> dict[str, pd.DataFrame]:
    """Return `leaderboard` against each of several references, from what `areas` returns for those that compete."""
    common = _numbers(areas_of_cells)
    return {name: _board(common, areas_of_cells, name, cells) for name in references}


def _board(
    common: pd.DataFrame, areas_of_cells: pd.DataFrame, reference: str, cells: pd.DataFrame | None
) -> pd.DataFrame:
    frame = common.copy()
    if len(areas_of_cells):
        paired = compare(areas_of_cells, "accuracy_area", reference)
        paired.columns = [f"accuracy_{name}" if name.startswith("difference") else name for name in paired.columns]
        frame = frame.merge(paired, on=["setting", "strategy"], how="left")
    if cells is not None:
        frame = _with_unfinished(frame, cells)
    if "reason" not in frame:
        frame["reason"] = ""
    for name in ("n_seeds", "n_pairs", "missing_pairs", "wins", "ties", "losses", "rank_low", "rank_high"):
        frame[name] = frame[name].astype("Int64")
    for name in ("missing_seeds", "verdict", "group", "reason"):
        frame[name] = frame[name].astype(object).fillna("")
    return _best_first(frame)[list(COLUMNS)]


def _numbers(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the leaderboard's numbers that need no reference, from the areas of cells."""
    if cells.empty:
        return pd.DataFrame(columns=list(COLUMNS)).astype({"setting": "str", "strategy": "str"})
    rows = []
    for (setting, strategy), own in groups(cells):
        area = MeanInterval.of(own["accuracy_area"], SHARE)
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
    frame = pd.DataFrame(rows)
    for more in (mean_ranks(cells), rank_groups(cells, "accuracy_area")):
        frame = frame.merge(more, on=["setting", "strategy"], how="left")
    return frame


def _with_unfinished(frame: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return a leaderboard with a row for each strategy of which no cell has finished, and the reason of one."""
    rows = []
    for (setting, strategy), own in groups(cells):
        if not (own["status"] == "done").any():
            first = own.iloc[0]
            rows.append({"setting": setting, "strategy": strategy, "n_seeds": 0, "reason": _why(first)})
    parts = [part for part in (frame, pd.DataFrame(rows)) if len(part)] or [frame]
    return pd.concat(parts, ignore_index=True).reindex(columns=list(COLUMNS))


def _why(cell: pd.Series[Any]) -> str:
    return f"{cell['status']}: {cell['reason']}" if cell["reason"] else str(cell["status"])


def mean_ranks(cells: pd.DataFrame, column: str = "accuracy_area") -> pd.DataFrame:
    """Return setting, strategy, mean_rank: the mean of its ranks over the seeds that all strategies have."""
    pieces = []
    for setting, own in cells.groupby("setting", sort=False):
        table = own.pivot(index="seed", columns="strategy", values=column)
        ranks = table.dropna().rank(axis=1, ascending=False)
        mean = ranks.mean() if len(ranks) else pd.Series(np.nan, index=table.columns)
        pieces.append(pd.DataFrame({"setting": setting, "strategy": table.columns, "mean_rank": mean.to_numpy()}))
    columns = ["setting", "strategy", "mean_rank"]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)


def _best_first(frame: pd.DataFrame) -> pd.DataFrame:
    order = {setting: place for place, setting in enumerate(frame["setting"].unique())}
    keyed = frame.assign(_setting=frame["setting"].map(order))
    keyed = keyed.sort_values(["_setting", "accuracy_area", "strategy"], ascending=[True, False, True])
    return keyed.drop(columns="_setting").reset_index(drop=True)
