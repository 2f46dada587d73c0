"""Who is ahead, by how much, and whether the seeds can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from albench.analysis.leaderboard import leaderboard
from albench.analysis.savings import default_target, labels_to_target, median_labels, savings
from albench.contracts.report import Column, Content, Figure, Note, Part, ReportSection, Results, Table
from albench_reports import draw
from albench_reports.palette import family
from albench_reports.sections.choices import references
from albench_reports.sections.headline import headline, limits
from albench_reports.wording import percent, points

_FEWER = (
    "{offered} of {total} strategies can be chosen as the reference on this page; albench report --reference NAME "
    "writes it for any other."
)


@dataclass(frozen=True)
class Leaderboard(ReportSection):
    """Strategies by the area under their accuracy curve, with the paired difference to a reference."""

    title: ClassVar[str] = "Leaderboard"
    order: ClassVar[int] = 100

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return a leaderboard for every strategy as the reference, and the labels to each scenario's target."""
        frames = {f"board {name}": _board(results, name) for name in references(results)}
        pieces = [
            median_labels(labels_to_target(own, target)).assign(target=target)
            for own, target in _targets(results)
            if target is not None
        ]
        frames["labels"] = pd.concat(pieces) if pieces else pd.DataFrame(columns=["scenario", "target"])
        return frames

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return one table a scenario and reference, and the differences as a figure."""
        if results.rounds.empty:
            return Content("No cell has finished yet, so there is nothing to compare.")
        targets = dict(zip(frames["labels"]["scenario"], frames["labels"]["target"], strict=True))
        sentences, warnings = [], []
        parts: list[Part] = []
        for scenario in results.scenarios:
            for reference in references(results):
                board = frames[f"board {reference}"]
                here = board[board["scenario"] == scenario]
                parts += _parts(here, scenario, reference, targets.get(scenario))
                if reference == results.reference:
                    labels = frames["labels"][frames["labels"]["scenario"] == scenario]
                    sentences.append(headline(here, labels, targets.get(scenario), scenario, reference))
                    warnings += limits(here, scenario, reference)
        if len(references(results)) < len(results.strategies):
            parts.append(Note(_FEWER.format(offered=len(references(results)), total=len(results.strategies))))
        return Content("\n".join(sentences), parts, warnings)


def _targets(results: Results) -> list[tuple[pd.DataFrame, float | None]]:
    """Return the rounds of each scenario with the target that its labels are counted to."""
    by_scenario = results.rounds.groupby("scenario", sort=False)
    return [(own, default_target(own, results.reference)) for _, own in by_scenario]


def _board(results: Results, reference: str) -> pd.DataFrame:
    """Return the leaderboard with label savings at the scenarios' targets."""
    board = leaderboard(results.rounds, reference)
    pieces = [
        savings(labels_to_target(own, target), reference) for own, target in _targets(results) if target is not None
    ]
    board["family"] = board["strategy"].map(family)
    if not pieces:
        return board.assign(saved="", saving=float("nan"))
    saved = pd.concat(pieces)
    board = board.merge(saved.drop(columns="n_pairs"), on=["scenario", "strategy"], how="left")
    return board.assign(saved=[_saving_in_words(row) for row in board.to_dict("records")])


def _saving_in_words(row: Mapping[Any, Any]) -> str:
    """Return a saving as a mean, or what censoring leaves of the median."""
    if not pd.isna(row["saving"]):
        return percent(row["saving"])
    low, high = row["median_low"], row["median_high"]
    if pd.isna(low):
        return ""
    if low == high:
        return f"median {percent(low)}"
    if high >= 1:
        return f"≥ {percent(low)}" if low > float("-inf") else "not reached by either"
    return f"≤ {percent(high)}" if low == float("-inf") else f"{percent(low)} to {percent(high)}"


def _parts(board: pd.DataFrame, scenario: str, reference: str, target: float | None) -> list[Table | Figure]:
    if board.empty:
        return []
    caption = f"{scenario}: every strategy compared with {reference}, paired by seed"
    columns = [column for column in _columns(target) if column.name in board]
    table = Table(board, caption, columns, group="family", when={"reference": reference})
    compared = board[board["accuracy_difference"].notna()]
    return [table, _forest(compared, scenario, reference)] if len(compared) else [table]


def _forest(board: pd.DataFrame, scenario: str, reference: str) -> Figure:
    """Return the paired differences with their intervals, best on top."""
    rows = board.iloc[::-1].to_dict("records")
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": row["strategy"],
            "legendgroup": row["strategy"],
            "x": [100 * row["accuracy_difference"]],
            "y": [row["strategy"]],
            "error_x": draw.error_bar(100 * row["accuracy_difference_low"], 100 * row["accuracy_difference_high"]),
            "hovertemplate": "%{x:+.2f} points<extra></extra>",
            "meta": {"role": "mean"},
        }
        for row in rows
    ]
    layout = {
        "height": 90 + 30 * len(rows),
        "hovermode": "closest",
        "xaxis": {"title": {"text": f"Difference to {reference}, points"}, "zeroline": True},
        "yaxis": {"type": "category", "gridcolor": "rgba(0,0,0,0)"},
    }
    said = [
        f"{row['strategy']} {points(row['accuracy_difference'])}"
        + (
            ""
            if pd.isna(row["accuracy_difference_low"])
            else f" ({points(row['accuracy_difference_low'])} to {points(row['accuracy_difference_high'])})"
        )
        for row in reversed(rows)
    ]
    return Figure(
        {"data": traces, "layout": layout},
        f"{scenario}: paired difference to {reference} with its 95 % interval",
        summary=f"Difference in accuracy area to {reference}, in points: {'; '.join(said)}.",
        method="An interval that holds 0 does not tell a strategy from the reference. Each holds by itself: of twenty "
        "such intervals about one misses its true difference. The section on significance corrects for their number.",
        wide=True,
        when={"reference": reference},
    )


def _columns(target: float | None) -> tuple[Column, ...]:
    return (
        Column("strategy"),
        Column(
            "accuracy_area",
            "Accuracy, %",
            ".1f",
            100,
            low="accuracy_area_low",
            high="accuracy_area_high",
            method="Area under the accuracy curve over labelled images, divided by the budget: its mean height. Mean "
            "over seeds with its 95 % t interval. All test images count, those of undiscovered classes as errors.",
        ),
        Column(
            "accuracy_difference",
            "Difference, points",
            "+.2f",
            100,
            low="accuracy_difference_low",
            high="accuracy_difference_high",
            method="The same area minus the reference's at the same seed, in percentage points: mean over the pairs "
            "and 95 % paired t interval, mean ± t(.975, N−1) s/√N. It is much narrower than the two accuracies' "
            "intervals, since strategies of one seed share classes, images and initial network.",
        ),
        Column("wins", "Wins", method="Pairs in which the strategy's area is larger than the reference's."),
        Column("ties", "Ties", method="Pairs with equal areas."),
        Column("losses", "Losses", method="Pairs in which the strategy's area is smaller than the reference's."),
        Column(
            "mean_rank",
            "Rank",
            ".2f",
            method="Rank by area among all strategies of a seed, 1 is best, averaged over the seeds that all have.",
        ),
        Column("accuracy_final", "Final, %", ".1f", 100, method="Accuracy after the last round, mean over seeds."),
        Column(
            "classes_area",
            "Classes",
            ".1f",
            method="Area under the curve of classes that the network knows, divided by the budget: their mean number.",
        ),
        Column(
            "saved",
            "Labels saved" if target is None else f"Labels saved to {percent(target)}",
            method="1 − n/n_reference at the same seed, n the queried labels until the accuracy is first reached: "
            "mean over pairs. A seed that does not get there is censored; then this is what remains known of the "
            "median. The target is the highest round accuracy that every seed of the study's reference reaches, else "
            "half of them.",
        ),
        Column("query_seconds", "Query, s", ".2g", method="Mean time of one query, training not included."),
        Column("n_seeds", "Seeds", method="Finished cells."),
        Column("n_pairs", "Pairs", method="Seeds that both the strategy and the reference have finished."),
    )
