"""Figures with lines over what was labelled: learning curves, and paired differences to the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from albench import Results
from albench.analysis import difference_curves, mean_curves
from albench_reports.figures.paper import GREY, MOST_TICKS, Paper
from albench_reports.leaders import LINES_AT_FIRST, first

FEW = 4  # seeds up to which each is drawn: bands of so few are guesses
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
    means = mean_curves(rounds, tuple(metrics))
    for panel, metric in zip(panels, metrics, strict=True):
        scale = 100 if metric == "accuracy" else 1
        seeds = rounds.assign(value=scale * rounds[metric])
        own = _scaled(means[means["metric"] == metric], scale)
        _draw(panel, paper, shown, own, seeds)
        panel.set_ylabel(_LABELS[metric])
        panel.set_ylim(_reach(seeds["value"], 100 if metric == "accuracy" else np.inf))
    for panel in panels if across else panels[-1:]:
        _label_x(panel)
    paper.legend(figure, shown)
    return figure


def differences(results: Results, paper: Paper) -> Figure | None:
    """Return accuracy minus that of the reference at the same seed, with a band that holds at all rounds together."""
    reference = results.reference
    means = _scaled(difference_curves(results.rounds, reference), 100)
    shown = [name for name in first(results, LINES_AT_FIRST) if name in set(means["strategy"])]
    if not shown:
        return None
    seeds = seed_differences(results.rounds, reference)
    figure, (panel,) = paper.panels(2.4)
    panel.axhline(0, color=GREY, linewidth=0.8)
    _draw(panel, paper, shown, means, seeds)
    panel.set_ylim(_difference_reach(means[means["strategy"].isin(shown)], seeds[seeds["strategy"].isin(shown)]))
    _label_x(panel)
    panel.set_ylabel(f"Accuracy − that of\n{paper.text(reference)} (points)")
    paper.legend(figure, shown)
    return figure


def seed_differences(rounds: pd.DataFrame, reference: str) -> Rows:
    """Return each cell's accuracy minus the reference's at the same seed and round, in points."""
    base = rounds.loc[rounds["strategy"] == reference, ["seed", "round", "accuracy"]]
    paired = rounds.merge(base, on=["seed", "round"], suffixes=("", "_of_reference"))
    paired = paired[paired["strategy"] != reference]
    return paired.assign(value=100 * (paired["accuracy"] - paired["accuracy_of_reference"]))


def _scaled(curves: pd.DataFrame, scale: float) -> pd.DataFrame:
    return curves.assign(**{name: scale * curves[name] for name in ("mean", "low", "high")})


def _draw(panel: Axes, paper: Paper, strategies: list[str], means: pd.DataFrame, seeds: Rows) -> None:
    """Draw each strategy's mean, over a band or, of few seeds, over a thin line a seed."""
    for place, name in enumerate(strategies):
        curve, own = means[means["strategy"] == name], seeds[seeds["strategy"] == name]
        if own["seed"].nunique() > FEW:
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


def _reach(values: pd.Series[float], most: float) -> tuple[float, float]:
    """Return an axis that holds every seed; a band may leave it: t intervals of few seeds exceed [0, 1]."""
    low, high = float(values.min()), float(values.max())
    room = 0.05 * (high - low) or 0.02 * max(abs(high), 1)
    return max(low - room, 0.0), min(high + room, most)


def _difference_reach(means: pd.DataFrame, seeds: Rows) -> tuple[float, float]:
    """Return an axis that holds the means and seeds drawn; bands many times wider than these may leave it."""
    few = seeds.groupby("strategy")["seed"].transform("nunique") <= FEW
    drawn = np.concatenate([means["mean"], seeds.loc[few, "value"], [0.0]]).astype(float)
    most = 2 * max(float(np.abs(drawn).max()), 0.1)
    bands = means.loc[~means["strategy"].isin(seeds.loc[few, "strategy"]), ["low", "high"]].to_numpy(dtype=float)
    held = np.concatenate([drawn, np.clip(bands[np.isfinite(bands)], -most, most)])
    room = 0.05 * float(held.max() - held.min())
    return float(held.min()) - room, float(held.max()) + room
