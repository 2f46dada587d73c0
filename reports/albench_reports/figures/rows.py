"""Figures with a row a strategy: labels to a target accuracy, and ranks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from albench import Results
from albench.analysis import default_target, labels_to_target, leaderboard, median_labels
from albench_reports.figures.paper import GREY, MOST_TICKS, ROW, Paper
from albench_reports.wording import percent

_BASE = 0.55  # inches of a figure beside its rows
_STACK = 0.26  # of a line of text, between the marks of seeds that need as many labels
_EDGE = 0.24  # of a line, between the outermost mark and the next row
_DEEPEST = 2.5  # lines that a row has for such marks, at most
_APART = {"markeredgecolor": "white", "markersize": 4.2, "linestyle": ""}
_CENSORED = {"marker": ">", "markerfacecolor": "white", "linestyle": ""}


def labels(results: Results, paper: Paper, target: float | None = None) -> Figure | None:
    """Return the queried labels of each seed until a target accuracy is reached, best median first.

    By default the target is the page's. None where there is none, or no seed reaches it.
    """
    target = target or default_target(results.rounds, results.reference)
    if target is None:
        return None
    needed = labels_to_target(results.rounds, target)
    if needed["n_queried"].isna().all():
        return None
    order = median_labels(needed).sort_values(["median_labels", "n_reached"], ascending=[True, False], kind="stable")
    needed["place"] = needed["n_queried"].fillna(needed["n_budget"])
    same = needed.groupby(["strategy", "place"])["seed"]
    others = int(same.size().max()) - 1
    depth = min(max(1.0, others * _STACK + 2 * _EDGE), _DEEPEST)
    step = min(_STACK, (depth - 2 * _EDGE) / max(others, 1))
    needed["height"] = step * (same.cumcount() - (same.transform("size") - 1) / 2)
    figure, panel, rows = _rows(paper, order["strategy"], depth)
    for row, name, median in zip(rows, order["strategy"], order["median_labels"], strict=True):
        own = needed[needed["strategy"] == name]
        panel.plot([median] * 2, [row - depth / 2 + 0.1, row + depth / 2 - 0.1], color="black", linewidth=1)
        for reached, more in ((True, _APART), (False, _CENSORED)):
            marks = own[own["n_queried"].notna() == reached]
            panel.plot(marks["place"], row + marks["height"], **{**paper.marker(name), **more})
    panel.set_xlim(0, 1.04 * needed["place"].max())
    panel.xaxis.set_major_locator(MaxNLocator(MOST_TICKS, integer=True))
    panel.set_xlabel(f"Queried labels to {percent(target)} accuracy")
    keys = {
        "a seed": Line2D([], [], color=GREY, marker="o", linestyle=""),
        "median": Line2D([], [], color="black", marker="|", markersize=7, linestyle=""),
        "not reached": Line2D([], [], color=GREY, **_CENSORED),  # type: ignore[arg-type]
    }
    paper.legend(figure, [], keys if needed["n_queried"].isna().any() else dict(list(keys.items())[:2]))
    return figure


def ranks(results: Results, paper: Paper) -> Figure | None:
    """Return the mean rank of each strategy, best first; with the interval of its rank and its group where known."""
    board = leaderboard(results.rounds, results.reference).dropna(subset="mean_rank")
    return draw_ranks(board.sort_values("mean_rank", kind="stable"), paper) if len(board) > 1 else None


def draw_ranks(board: pd.DataFrame, paper: Paper) -> Figure:
    """Return the figure of ranks: columns strategy and mean_rank and, where they are, rank_low, rank_high and group."""
    figure, panel, places = _rows(paper, board["strategy"])
    for place, row in zip(places, board.to_dict("records"), strict=True):
        name = row["strategy"]
        if "rank_low" in row:
            panel.plot([row["rank_low"], row["rank_high"]], [place] * 2, color=paper.looks[name].colour, linewidth=2)
        panel.plot([row["mean_rank"]], [place], **paper.marker(name, markersize=5))
        if "group" in row:
            panel.text(1.02, place, str(row["group"]), transform=panel.get_yaxis_transform(), va="center", fontsize=7)
    panel.set_xlim(0.7, len(board) + 0.3)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    panel.set_xlabel("Mean rank over seeds (1 is best)")
    return figure


def _rows(paper: Paper, strategies: Iterable[str], least: float = 1.0) -> tuple[Figure, Axes, list[float]]:
    """Return a figure with a row for each strategy, the first on top, and where each row's middle is.

    A row is as high as the lines of its name, where one line is 1, and at least `least`.
    """
    names = [paper.text(name) for name in strategies]
    heights = np.array([max(name.count("\n") + 1, least) for name in names])
    places = np.cumsum(heights) - heights / 2
    figure, (panel,) = paper.panels(_BASE + ROW * float(heights.sum()))
    panel.set_yticks(places, names)
    panel.set_ylim(float(heights.sum()), 0)
    panel.tick_params(axis="y", length=0)
    panel.grid(visible=False, axis="y")
    return figure, panel, places.tolist()
