"""A section of the report: what is computed and what is drawn, apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

import albench


@dataclass(frozen=True)
class FirstDiscovery(albench.ReportSection):
    """How soon each strategy finds a class that the network did not know."""

    title: ClassVar[str] = "First discovery"
    order: ClassVar[int] = 450

    def compute(self, results: albench.Results) -> Mapping[str, pd.DataFrame]:
        """Return the round of each cell's first discovery, and its mean over the seeds that made one."""
        found = results.rounds[results.rounds["n_novel_found"] > 0]
        first = found.groupby(["scenario", "strategy", "seed"], as_index=False)["round"].min()
        mean = first.groupby(["scenario", "strategy"], as_index=False)["round"].agg(["mean", "count"])
        return {"first": mean.sort_values(["scenario", "mean"])}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: albench.Results) -> albench.Content:
        """Return a sentence and a table."""
        first = frames["first"]
        if first.empty:
            return albench.Content("No strategy has found a new class.")
        columns = (
            albench.Column("scenario"),
            albench.Column("strategy"),
            albench.Column("mean", "Queries to the first new class", ".1f", method="Mean over those seeds."),
            albench.Column("count", "Seeds that found one"),
        )
        best = first.iloc[0]
        return albench.Content(
            f"Of {len(results.strategies)} strategies {best['strategy']} is the first to find a new class on "
            f"{best['scenario']}, after {best['mean']:.1f} queries.",
            [albench.Table(first, "Queries until a class is found that the network did not know", columns)],
        )
