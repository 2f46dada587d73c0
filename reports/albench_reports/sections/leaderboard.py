"""Who is ahead, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from albench.analysis.leaderboard import leaderboard
from albench.contracts.report import Column, Content, ReportSection, Results, Table

_COLUMNS = (
    Column("strategy"),
    Column(
        "accuracy_area",
        "Accuracy, %",
        ".1f",
        100,
        low="accuracy_area_low",
        high="accuracy_area_high",
        method="Area under the accuracy curve over labelled images, divided by the budget: its mean height. Mean over "
        "seeds with its 95 % t interval. All test images count, those of undiscovered classes as errors.",
    ),
    Column(
        "accuracy_difference",
        "Difference, points",
        "+.2f",
        100,
        low="accuracy_difference_low",
        high="accuracy_difference_high",
        method="The same area minus the reference's at the same seed, in percentage points: mean over the pairs and "
        "95 % paired t interval, mean ± t(.975, N−1) s/√N.",
    ),
    Column("n_pairs", "Pairs", method="Seeds that both the strategy and the reference have finished."),
    Column("wins", "Wins", method="Pairs in which the strategy's area is larger than the reference's."),
    Column("ties", "Ties", method="Pairs with equal areas."),
    Column("losses", "Losses", method="Pairs in which the strategy's area is smaller than the reference's."),
    Column(
        "mean_rank",
        "Mean rank",
        ".2f",
        method="Rank by area among all strategies of a seed, 1 is best, averaged over the seeds that all have.",
    ),
    Column("accuracy_final", "Final accuracy, %", ".1f", 100, method="Accuracy after the last round, mean over seeds."),
    Column(
        "classes_area",
        "Known classes",
        ".1f",
        method="Area under the curve of classes that the network knows, divided by the budget: their mean number.",
    ),
    Column("query_seconds", "Query, s", ".3g", method="Mean time of one query, training not included."),
    Column("n_seeds", "Seeds", method="Finished cells."),
)


@dataclass(frozen=True)
class Leaderboard(ReportSection):
    """Strategies by the area under their accuracy curve, with the paired difference to a reference."""

    title: ClassVar[str] = "Leaderboard"
    order: ClassVar[int] = 100

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return a leaderboard for every strategy as the reference, by its label."""
        return {name: leaderboard(results.rounds, name) for name in results.strategies}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return one table a scenario and reference."""
        if not frames:
            return Content("No cell has finished yet, so there is nothing to compare.")
        tables = [
            Table(
                frame[frame["scenario"] == scenario],
                f"{scenario}: compared with {reference}, paired by seed",
                _COLUMNS,
                when={"reference": reference},
            )
            for reference, frame in frames.items()
            for scenario in results.scenarios
        ]
        sentences = [_sentence(frames, results, scenario) for scenario in results.scenarios]
        return Content(" ".join(sentences), tables)


def _sentence(frames: Mapping[str, pd.DataFrame], results: Results, scenario: str) -> str:
    frame = next(iter(frames.values())) if results.reference not in frames else frames[results.reference]
    best = frame[frame["scenario"] == scenario].iloc[0]
    said = f"{scenario}: {best['strategy']} is ahead with a mean accuracy of {best['accuracy_area']:.1%}"
    if pd.isna(best["accuracy_difference"]):
        return f"{said}."
    said += f", {100 * best['accuracy_difference']:+.2f} points to {results.reference}"
    if pd.isna(best["accuracy_difference_low"]):
        return f"{said}; one paired seed gives no interval."
    low, high = 100 * best["accuracy_difference_low"], 100 * best["accuracy_difference_high"]
    return f"{said} (95 % interval {low:+.2f} to {high:+.2f}, {best['n_pairs']} paired seeds)."
