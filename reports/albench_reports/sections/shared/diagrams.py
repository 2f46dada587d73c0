"""The figures of significance: the penalty matrix and the diagram of critical differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from albench import Figure
from albench.analysis import LEVEL, BlockTest
from albench_reports.draw import SEQUENTIAL, numbers
from albench_reports.leaders import MANY


def penalty_matrix(shares: pd.DataFrame, strategies: Sequence[str], settings: Sequence[str]) -> Figure:
    """Return the matrix summed over settings: row beats column in that share of the rounds."""
    table = shares.pivot_table(index="strategy", columns="other", values="share", aggfunc="sum")
    names = [name for name in strategies if name in table.index]
    table = table.reindex(index=names, columns=names)
    losses = table.mean(axis=0)
    chance = LEVEL / 2 * len(settings)
    many = len(names) > MANY  # a number in each cell would not fit
    where = settings[0] if len(settings) == 1 else f"all {len(settings)} settings"
    order = ", ".join(f"{name} {losses[name]:.2f}" for name in losses.sort_values(kind="stable").index)
    trace = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": [numbers(row, 3) for row in table.to_numpy()],
        "zmin": 0,
        "zmax": len(settings),
        "texttemplate": "" if many else "%{z:.2f}",
        "hovertemplate": "%{y} beats %{x}: %{z:.3f}<extra></extra>",
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "xgap": 1 if many else 2,
        "ygap": 1 if many else 2,
    }
    layout: dict[str, Any] = {
        "height": 120 + (20 if many else 46) * len(names),
        "hovermode": "closest",
        "xaxis": {"title": {"text": "is beaten"}, "type": "category", "showgrid": False, "dtick": 1},
        "yaxis": {
            "title": {"text": "beats", "standoff": 16},
            "type": "category",
            "autorange": "reversed",
            "showgrid": False,
            "dtick": 1,
        },
    }
    return Figure(
        {"data": [trace], "layout": layout},
        f"Pairwise penalties, {where}; chance level {chance:.3f}",
        summary=f"How often a strategy is beaten on {where}, mean of its column, low is good: {order}. "
        f"By chance alone a cell would be {chance:.3f}.",
        method="Each cell is the share of rounds in which the row beats the column in a two-sided paired t test at "
        f".05 over seeds, summed over settings. If no strategy differed, a cell would be {LEVEL / 2:.3f} a setting "
        "on average. Rounds of one curve depend on each other, so this is a description and no further test.",
        wide=many,
        when={"setting": settings[0]} if len(settings) == 1 else {},
    )


def critical_differences(test: BlockTest) -> Figure:
    """Return mean ranks on a line, joined where they cannot be told apart."""
    ranks = test.mean_ranks.sort_values(kind="stable")
    names = [str(name) for name in ranks.index]
    marks = [
        {
            "type": "scatter",
            "mode": "markers+text",
            "name": name,
            "legendgroup": name,
            "x": numbers([ranks[name]]),
            "y": [place + 1],
            "text": [f" {name} {ranks[name]:.2f}"],
            "textposition": "middle right",
            "cliponaxis": False,
            "hoverinfo": "skip",
        }
        for place, name in enumerate(names)
    ]
    groups = test.groups()
    bars = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": numbers([ranks[group[0]], ranks[group[-1]]]),
            "y": [-0.2 - 0.35 * place] * 2,
            "line": {"color": "#7d8590", "width": 6},
            "hoverinfo": "skip",
            "name": "not told apart",
        }
        for place, group in enumerate(groups)
    ]
    low, high = float(ranks.min()), float(ranks.max())
    layout = {
        "height": 130 + 26 * (len(names) + len(groups)),
        "hovermode": "closest",
        "xaxis": {"title": {"text": "Mean rank, 1 is best"}, "range": [low - 0.2, high + 0.35 * (high - low) + 0.6]},
        "yaxis": {"visible": False, "autorange": "reversed"},
    }
    joined = "; ".join(" and ".join(group) for group in groups) or "none"
    return Figure(
        {"data": [*bars, *marks], "layout": layout},
        f"Critical differences over {test.n_blocks} settings (CD = {test.critical_difference:.2f})",
        summary=f"Mean ranks: {', '.join(f'{name} {ranks[name]:.2f}' for name in names)}. Not told apart: {joined}.",
        method="Strategies are ranked within each setting by their mean accuracy area. Grey bars join ranks that "
        "differ by less than Nemenyi's critical difference at .05 (Demšar 2006).",
    )
