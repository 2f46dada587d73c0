"""Accuracy and discovered classes against what was labelled, and the difference to a reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from albench import Content, Figure, ReportSection, Results
from albench.analysis import difference_curves, mean_curves
from albench_reports import draw
from albench_reports.sections.shared.choices import references
from albench_reports.wording import points

METRICS = {
    "accuracy": ("Accuracy", ".1%"),
    "n_classes": ("Classes the network knows", ".1f"),
    "accuracy_known": ("Accuracy on known classes", ".1%"),
    "accuracy_novel": ("Accuracy on novel classes", ".1%"),
}
_METHOD = (
    "Lines are means over seeds, bands their pointwise 95 % t intervals: each holds at its round, not for the whole "
    "curve. Seeds differ more than strategies do, so bands that overlap say little; the paired differences say more."
)
_DIFFERENCE_METHOD = (
    "Mean of the differences at the same seed. The band is simultaneous: with 95 % confidence it holds the true curve "
    "at all rounds together. Its half width is c s/√N at each round, with c the quantile of the largest studentised "
    "mean of simulated Gaussian curves that are correlated like the observed ones."
)


@dataclass(frozen=True)
class Curves(ReportSection):
    """Learning curves with bands, single seeds on demand, and paired differences with simultaneous bands."""

    title: ClassVar[str] = "Learning curves"
    order: ClassVar[int] = 200

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return the mean curves with their intervals, and the differences to each strategy as the reference."""
        differences = {f"to {name}": difference_curves(results.rounds, name) for name in references(results)}
        return {"curves": mean_curves(results.rounds, tuple(METRICS)), **differences}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return one figure a setting and metric, and one difference a setting and reference."""
        figures = []
        for setting in results.settings:
            here = results.rounds[results.rounds["setting"] == setting]
            figures += [_figure(frames["curves"], here, results, m) for m in METRICS if here[m].notna().any()]
            for reference in references(results):
                figures += _difference(frames[f"to {reference}"], setting, reference)
        if not figures:
            return Content("No cell has finished yet, so there is no curve.")
        seeds = results.rounds.groupby(["setting", "strategy"])["seed"].nunique()
        bands = "" if (seeds > 1).all() else " Where one seed has finished there is no band."
        return Content(f"How accuracy and the number of known classes grow with what is labelled.{bands}", figures)


def _figure(curves: pd.DataFrame, rounds: pd.DataFrame, results: Results, metric: str) -> Figure:
    title, hover = METRICS[metric]
    setting = str(rounds["setting"].iloc[0])
    here = curves[(curves["setting"] == setting) & (curves["metric"] == metric)]
    bands, seeds, means, ends = [], [], [], []
    for strategy in results.strategies:
        own = here[here["strategy"] == strategy]
        if own.empty:
            continue
        bands.append(draw.band(own, "low", "high", strategy))
        seeds.append(draw.seed_lines(rounds[rounds["strategy"] == strategy], metric, strategy))
        means.append(draw.line(own, "mean", strategy, hover))
        ends.append((own["mean"].iloc[-1], strategy))
    is_share = "%" in hover
    axis = {
        "title": {"text": title},
        "tickformat": ".0%" if is_share else "",
        "range": _range(rounds[metric], is_share),
    }
    ranking = ", ".join(f"{name} {format(value, hover)}" for value, name in sorted(ends, reverse=True))
    return Figure(
        plot={"data": [trace for trace in [*bands, *seeds, *means] if trace], "layout": {"yaxis": axis}},
        caption=f"{title}, {setting}",
        summary=f"{title} on {setting}, mean over seeds, after the last round: {ranking}.",
        method=_METHOD,
        when={"setting": setting},
    )


def _range(values: pd.Series[Any], is_share: bool) -> list[float]:
    """Return an axis that holds every seed; a band may leave it: t intervals of few seeds exceed [0, 1]."""
    low, high = float(values.min()), float(values.max())
    room = 0.06 * (high - low) or 0.02 * max(abs(high), 1)
    return [max(low - room, 0.0), min(high + room, 1.0 if is_share else high + room)]


def _difference(curves: pd.DataFrame, setting: str, reference: str) -> list[Figure]:
    here = curves[curves["setting"] == setting].assign(**{name: 100 * curves[name] for name in ("mean", "low", "high")})
    if here.empty:
        return []
    strategies = list(dict.fromkeys(here["strategy"]))
    own = {name: here[here["strategy"] == name] for name in strategies}
    bands = [draw.band(frame, "low", "high", name) for name, frame in own.items()]
    means = [draw.line(frame, "mean", name, "+.2f") for name, frame in own.items()]
    axis: dict[str, Any] = {
        "title": {"text": f"Accuracy minus that of {reference}, points"},
        "zeroline": True,
        "zerolinewidth": 2,
    }
    axis["range"] = _difference_range(here)
    return [
        Figure(
            plot={"data": [trace for trace in [*bands, *means] if trace], "layout": {"yaxis": axis}},
            caption=f"Paired difference in accuracy to {reference}, {setting}",
            summary=f"Accuracy minus that of {reference} on {setting}, with a band that holds at all rounds together: "
            + "; ".join(_apart(name, frame) for name, frame in own.items())
            + ".",
            wide=True,
            method=_DIFFERENCE_METHOD,
            when={"setting": setting, "reference": reference},
        )
    ]


def _difference_range(curves: pd.DataFrame) -> list[float]:
    """Return an axis on which the means can be read; the bands of few seeds are many times wider and may leave it."""
    reach = 3 * max(float(curves["mean"].abs().max()), 0.1)
    low = max(-reach, float(np.nanmin(curves[["mean", "low"]].to_numpy(dtype=float))))
    high = min(reach, float(np.nanmax(curves[["mean", "high"]].to_numpy(dtype=float))))
    return [low - 0.04 * (high - low), high + 0.04 * (high - low)]


def _apart(strategy: str, curve: pd.DataFrame) -> str:
    """Return where a strategy's band leaves zero, in words."""
    end = f"{strategy} ends {points(curve['mean'].iloc[-1] / 100)} points apart"
    if curve["low"].isna().any():
        return f"{end}, from one pair"
    above = int((curve["low"] > 0).sum())
    below = int((curve["high"] < 0).sum())
    if not above + below:
        return f"{end}, its band holds zero throughout"
    return f"{end}, its band is above zero at {above} and below at {below} of {len(curve)} rounds"
