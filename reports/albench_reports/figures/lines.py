"""Figures with lines over what was labelled: learning curves, and paired differences to the reference."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from albench import Results
from albench.analysis import difference_curves, line_curves, mean_curves, round_differences
from albench_reports.draw import FEW_SEEDS
from albench_reports.figures.paper import GREY, MOST_TICKS, Paper
from albench_reports.leaders import LINES_AT_FIRST, first
from albench_reports.sections.shared.novel import n_classes

_MARKS = 8  # on a line
_LABELS = {"accuracy": "Accuracy (%)", "n_classes": "Known classes"}
Rows = pd.DataFrame  # strategy, seed, n_labeled, value


def curves(results: Results, paper: Paper) -> Figure:
    """Return accuracy over labels, and known classes where they grow: side by side on two columns, else stacked."""
    rounds = results.rounds
    shown = first(results, LINES_AT_FIRST)
    metrics = [name for name in _LABELS if name == "accuracy" or rounds[name].max() > rounds[name].min()]
    across = paper.width == "two"
    figure, panels = paper.panels(2.4 if across else 1.9, *((1, len(metrics)) if across else (len(metrics), 1)))
    means = mean_curves(rounds, tuple(metrics), n_classes(results))
    beside = line_curves(results.lines, rounds, tuple(metrics))
    names = dict.fromkeys(map(str, beside["strategy"]))
    looks: dict[str, Any] = {
        name: {"color": GREY, "linewidth": 1, "linestyle": style}
        for name, style in zip(names, cycle(("--", ":", "-.")), strict=False)
    }
    for panel, metric in zip(panels, metrics, strict=True):
        scale = 100 if metric == "accuracy" else 1
        seeds = rounds.assign(value=scale * rounds[metric])
        own = _scaled(means[means["metric"] == metric], scale)
        _draw(panel, paper, shown, own, seeds)
        level = _scaled(beside[beside["metric"] == metric], scale)
        for name, look in looks.items():
            one = level[level["strategy"] == name]
            panel.plot(one["n_labeled"], one["mean"], **look)
        panel.set_ylabel(_LABELS[metric])
        drawn = np.append(seeds["value"], level["mean"]).astype(float)
        panel.set_ylim(_reach(drawn, 100 if metric == "accuracy" else np.inf))
    for panel in panels if across else panels[-1:]:
        _label_x(panel)
    paper.legend(figure, shown, {paper.text(name): Line2D([], [], **look) for name, look in looks.items()})
    return figure


def differences(results: Results, paper: Paper) -> Figure | None:
    """Return accuracy minus that of the reference at the same seed, with a band that holds at all rounds together."""
    reference = results.reference
    means = _scaled(difference_curves(results.rounds, reference), 100)
    shown = [name for name in first(results, LINES_AT_FIRST) if name in set(means["strategy"])]
    if not shown:
        return None
    seeds = round_differences(results.rounds, reference)
    seeds = seeds.assign(value=100 * seeds["difference"])
    figure, (panel,) = paper.panels(2.4)
    panel.axhline(0, color=GREY, linewidth=0.8)
    _draw(panel, paper, shown, means, seeds)
    panel.set_ylim(_difference_reach(means[means["strategy"].isin(shown)], seeds[seeds["strategy"].isin(shown)]))
    _label_x(panel)
    panel.set_ylabel(f"Accuracy − that of\n{paper.text(reference)} (points)")
    paper.legend(figure, shown)
    return figure


def _scaled(curves: pd.DataFrame, scale: float) -> pd.DataFrame:
    return curves.assign(**{name: scale * curves[name] for name in ("mean", "low", "high") if name in curves})


def _draw(panel: Axes, paper: Paper, strategies: list[str], means: pd.DataFrame, seeds: Rows) -> None:
    """Draw each strategy's mean, over a band or, of few seeds, over a thin line a seed."""
    for place, name in enumerate(strategies):
        curve, own = means[means["strategy"] == name], seeds[seeds["strategy"] == name]
        if own["seed"].nunique() > FEW_SEEDS:
            look = paper.looks[name]
            panel.fill_between(
                curve["n_labeled"], curve["low"], curve["high"], color=look.colour, alpha=look.shade, linewidth=0
            )
        else:
            for _, one in own.sort_values("round").groupby("seed"):
                panel.plot(one["n_labeled"], one["value"], color=paper.looks[name].colour, linewidth=0.5, alpha=0.5)
        every = max(1, len(curve) // _MARKS)
        marks = (place % every, every)  # not all lines at the same labels
        panel.plot(
            curve["n_labeled"], curve["mean"], **paper.line(name), **_marks(paper, name), markevery=marks, zorder=3
        )


def _marks(paper: Paper, name: str) -> dict[str, Any]:
    return {key: value for key, value in paper.marker(name).items() if key != "color"}


def _label_x(panel: Axes) -> None:
    panel.set_xlabel("Labelled images")
    panel.xaxis.set_major_locator(MaxNLocator(MOST_TICKS, integer=True))


def _reach(values: NDArray[np.float64], most: float) -> tuple[float, float]:
    """Return an axis that holds every seed; a band may leave it: t intervals of few seeds exceed [0, 1]."""
    low, high = float(values.min()), float(values.max())
    room = 0.05 * (high - low) or 0.02 * max(abs(high), 1)
    return max(low - room, 0.0), min(high + room, most)


def _difference_reach(means: pd.DataFrame, seeds: Rows) -> tuple[float, float]:
    """Return an axis that holds the means and seeds drawn; bands many times wider than these may leave it."""
    few = seeds.groupby("strategy")["seed"].transform("nunique") <= FEW_SEEDS
    drawn = np.concatenate([means["mean"], seeds.loc[few, "value"], [0.0]]).astype(float)
    most = 2 * max(float(np.abs(drawn).max()), 0.1)
    bands = means.loc[~means["strategy"].isin(seeds.loc[few, "strategy"]), ["low", "high"]].to_numpy(dtype=float)
    held = np.concatenate([drawn, np.clip(bands[np.isfinite(bands)], -most, most)])
    room = 0.05 * float(held.max() - held.min())
    return float(held.min()) - room, float(held.max()) + room
