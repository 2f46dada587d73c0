"""Accuracy and discovered classes against what was labelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from albench.analysis.curves import mean_curves
from albench.contracts.report import Content, Figure, ReportSection, Results
from albench_reports import draw

METRICS = {
    "accuracy": ("Accuracy", ".1%"),
    "n_classes": ("Classes the network knows", ".1f"),
    "accuracy_known": ("Accuracy on known classes", ".1%"),
    "accuracy_novel": ("Accuracy on novel classes", ".1%"),
}
_METHOD = (
    "Lines are means over seeds, bands their pointwise 95 % t intervals (each holds at one round). "
    "Lines of single seeds can be shown with the button above."
)


@dataclass(frozen=True)
class Curves(ReportSection):
    """Learning curves: mean over seeds with bands, single seeds on demand."""

    title: ClassVar[str] = "Learning curves"
    order: ClassVar[int] = 200

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return the mean curves with their intervals."""
        return {"curves": mean_curves(results.rounds, tuple(METRICS))}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return one figure a scenario and metric."""
        figures = [
            _figure(frames["curves"], results, scenario, metric)
            for scenario in results.scenarios
            for metric in METRICS
            if results.rounds.loc[results.rounds["scenario"] == scenario, metric].notna().any()
        ]
        if not figures:
            return Content("No cell has finished yet, so there is no curve.")
        return Content("How accuracy and the number of known classes grow with what is labelled.", figures)


def _figure(curves: pd.DataFrame, results: Results, scenario: str, metric: str) -> Figure:
    title, hover = METRICS[metric]
    here = curves[(curves["scenario"] == scenario) & (curves["metric"] == metric)]
    rounds = results.rounds[results.rounds["scenario"] == scenario]
    bands, seeds, means, ends = [], [], [], []
    for strategy in results.strategies:
        own = here[here["strategy"] == strategy]
        if own.empty:
            continue
        bands.append(draw.band(own, "low", "high", strategy))
        seeds.append(draw.seed_lines(rounds[rounds["strategy"] == strategy], metric, strategy))
        means.append(draw.line(own, "mean", strategy, hover))
        ends.append((own["mean"].iloc[-1], strategy))
    layout: dict[str, Any] = {"yaxis": {"title": {"text": title}, "tickformat": ".0%" if "%" in hover else ""}}
    ranking = ", ".join(f"{name} {format(value, hover)}" for value, name in sorted(ends, reverse=True))
    return Figure(
        plot={"data": [trace for trace in [*bands, *seeds, *means] if trace], "layout": layout},
        caption=f"{title}, {scenario}",
        summary=f"{title} on {scenario}, mean over seeds, after the last round: {ranking}.",
        method=_METHOD,
        when={"scenario": scenario},
    )
