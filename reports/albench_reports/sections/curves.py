"""Accuracy and discovered classes against what was labelled, and the difference to a reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from albench import Content, Figure, ReportSection, Results
from albench.analysis import difference_curves_to, line_curves, mean_curves, round_differences
from albench_reports import draw
from albench_reports.sections.shared.choices import references
from albench_reports.sections.shared.novel import n_classes
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
_FEW_METHOD = (
    f"Thick lines are means over seeds, thin ones the seeds themselves: t intervals of {draw.FEW_SEEDS} seeds or fewer "
    "are far wider than what was seen. Seeds differ more than strategies do; the paired differences say more."
)
_DIFFERENCE_METHOD = (
    "Mean of the differences at the same seed. The band is simultaneous: with 95 % confidence it holds the true curve "
    "at all rounds together. Its half width is c s/√N at each round, with c the quantile of the largest studentised "
    "mean of simulated Gaussian curves that are correlated like the observed ones."
)
_FEW_DIFFERENCE_METHOD = (
    "Thick lines are means of the differences at the same seed, thin ones the seeds. The band that holds at all rounds "
    f"together is in the words alone: of {draw.FEW_SEEDS} pairs or fewer it is far wider than what was seen."
)


@dataclass(frozen=True)
class Curves(ReportSection):
    """Learning curves with bands or single seeds, and paired differences with simultaneous bands."""

    title: ClassVar[str] = "Learning curves"
    order: ClassVar[int] = 200

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return the mean curves with their intervals, and the differences to each strategy as the reference."""
        frames = {
            "curves": mean_curves(results.rounds, tuple(METRICS), n_classes(results)),
            "lines": line_curves(results.lines, results.rounds, tuple(METRICS)),
        }
        for name, curves in difference_curves_to(results.rounds, references(results)).items():
            frames[f"to {name}"] = curves
            frames[f"seeds to {name}"] = round_differences(results.rounds, name)
        return frames

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return one figure a setting and metric, and one difference a setting and reference."""
        figures = []
        for setting in results.settings:
            here = results.rounds[results.rounds["setting"] == setting]
            metrics = [name for name in METRICS if here[name].notna().any()]
            figures += [_figure(frames["curves"], here, results, name, frames["lines"]) for name in metrics]
            for reference in references(results):
                single = frames[f"seeds to {reference}"]
                single = single[single["setting"] == setting].assign(difference=lambda own: 100 * own["difference"])
                figures += _difference(frames[f"to {reference}"], single, setting, reference)
        if not figures:
            return Content("No cell has finished yet, so there is no curve.")
        return Content("How accuracy and the number of known classes grow with what is labelled.", figures)


def _are_few(rounds: pd.DataFrame) -> bool:
    """Return whether no strategy has so many seeds that a band says more than their lines."""
    seeds = rounds.groupby("strategy")["seed"].nunique()
    return bool((seeds <= draw.FEW_SEEDS).all())


def _spread(own: pd.DataFrame, rounds: pd.DataFrame, y: str, strategy: str, few: bool) -> list[draw.Trace]:
    """Return how the seeds of a strategy spread: their lines if they are few, else a band, and lines on demand."""
    lines = [draw.seed_lines(rounds, y, strategy, "single" if few else "seeds")] if rounds["seed"].nunique() > 1 else []
    band = None if few else draw.band(own, "low", "high", strategy)
    return [band, *lines] if band else lines


def _beside(lines: pd.DataFrame, setting: str, metric: str, hover: str) -> list[draw.Trace]:
    """Return the reference lines of a setting, each with a dash of its own."""
    own = lines[(lines["setting"] == setting) & (lines["metric"] == metric)].dropna(subset="mean")
    named = own.groupby("strategy", sort=False)
    return [
        draw.reference_line(frame, "mean", str(name), hover, dash)
        for (name, frame), dash in zip(named, cycle(("dash", "dot", "dashdot", "longdash")), strict=False)
    ]


def _figure(curves: pd.DataFrame, rounds: pd.DataFrame, results: Results, metric: str, lines: pd.DataFrame) -> Figure:
    title, hover = METRICS[metric]
    setting, few = str(rounds["setting"].iloc[0]), _are_few(rounds)
    here = curves[(curves["setting"] == setting) & (curves["metric"] == metric)]
    own, seeds = (draw.by_strategy(frame, results.strategies) for frame in (here, rounds))
    spreads = [_spread(own[name], seeds[name], metric, name, few) for name in own]
    means = [draw.line(frame, "mean", name, hover) for name, frame in own.items()]
    beside = _beside(lines, setting, metric, hover)
    heights = [rounds[metric], *(pd.Series(trace["y"]) for trace in beside)]
    low, high = _range(pd.concat(heights), "%" in hover)
    ends = sorted(((frame["mean"].iloc[-1], name) for name, frame in own.items()), reverse=True)
    ranking = ", ".join(f"{name} {format(value, hover)}" for value, name in ends if value == value)
    named = "".join(f" {name} is drawn in grey, a reference line." for name in (trace["name"] for trace in beside))
    return Figure(
        plot={
            "data": [*(trace for traces in spreads for trace in traces), *beside, *means],
            "layout": {"yaxis": draw.axis(title, low, high, "%" in hover)},
        },
        caption=f"{title}, {setting}",
        summary=f"{title} on {setting}, mean over seeds, after the last round: {ranking}.{named}",
        method=_FEW_METHOD if few else _METHOD,
        when={"setting": setting},
    )


def _range(values: pd.Series[Any], is_share: bool) -> tuple[float, float]:
    """Return an axis that holds every seed; a band may leave it: t intervals of few seeds exceed [0, 1]."""
    low, high = float(values.min()), float(values.max())
    room = 0.06 * (high - low) or 0.02 * max(abs(high), 1)
    most = 1 + 0.2 * room if is_share else high + room  # a line at 100 % is not cut in half
    return max(low - room, -0.2 * room), min(high + room, most)


def _difference(curves: pd.DataFrame, single: pd.DataFrame, setting: str, reference: str) -> list[Figure]:
    here = curves[curves["setting"] == setting].assign(**{name: 100 * curves[name] for name in ("mean", "low", "high")})
    if here.empty:
        return []
    few = _are_few(single)
    own = draw.by_strategy(here, here["strategy"].unique())
    if few:
        seeds = draw.by_strategy(single, own)
        spreads = [_spread(own[name], seeds[name], "difference", name, few) for name in own]
    else:
        bands = [draw.band(frame, "low", "high", name) for name, frame in own.items()]
        spreads = [[band] for band in bands if band]
    means = [draw.line(frame, "mean", name, "+.2f") for name, frame in own.items()]
    low, high = _seeds_range(single["difference"]) if few else _difference_range(here)
    axis = draw.axis(f"Accuracy minus that of {reference}, points", low, high)
    return [
        Figure(
            plot={
                "data": [*(trace for traces in spreads for trace in traces), *means],
                "layout": {"yaxis": {**axis, "zeroline": True, "zerolinewidth": 2}},
            },
            caption=f"Paired difference in accuracy to {reference}, {setting}",
            summary=f"Accuracy minus that of {reference} on {setting}, with a band that holds at all rounds together: "
            + "; ".join(_apart(name, frame) for name, frame in own.items())
            + ".",
            wide=True,
            method=_FEW_DIFFERENCE_METHOD if few else _DIFFERENCE_METHOD,
            when={"setting": setting, "reference": reference},
        )
    ]


def _seeds_range(points: pd.Series[Any]) -> tuple[float, float]:
    """Return an axis that holds every seed and zero, and a tenth of a point at least."""
    low, high = min(float(points.min()), -0.05), max(float(points.max()), 0.05)
    return low - 0.06 * (high - low), high + 0.06 * (high - low)


def _difference_range(curves: pd.DataFrame) -> tuple[float, float]:
    """Return an axis on which the means can be read; the bands of few seeds are many times wider and may leave it."""
    reach = 3 * max(float(curves["mean"].abs().max()), 0.1)
    low = max(-reach, float(np.nanmin(curves[["mean", "low"]].to_numpy(dtype=float))))
    high = min(reach, float(np.nanmax(curves[["mean", "high"]].to_numpy(dtype=float))))
    low, high = min(low, -0.05), max(high, 0.05)
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _apart(strategy: str, curve: pd.DataFrame) -> str:
    """Return where a strategy's band leaves zero, in words."""
    end = f"{strategy} ends {points(curve['mean'].iloc[-1] / 100)} points apart"
    low, high = curve["low"].to_numpy(), curve["high"].to_numpy()
    if np.isnan(low).any():
        return f"{end}, from one pair"
    varies = low < high  # without any variance at a round nothing is known there
    above = int(((low > 0) & varies).sum())
    below = int(((high < 0) & varies).sum())
    if not above + below:
        return f"{end}, its band holds zero throughout"
    return f"{end}, its band is above zero at {above} and below at {below} of {len(curve)} rounds"
