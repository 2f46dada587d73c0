"""What the strategies cost, and what that buys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from albench import Column, Content, Figure, Part, ReportSection, Results, Table
from albench.analysis import compare, costs, mean_curves
from albench_reports import draw
from albench_reports.sections.shared.choices import references
from albench_reports.wording import duration, percent, points

_COLUMNS = (
    Column("strategy"),
    Column(
        "query_seconds", "Query", "duration", method="Time of one query, mean over rounds and seeds; training is apart."
    ),
    Column("query_seconds_largest", "Longest query", "duration", method="The longest query of any round and seed."),
    Column("train_seconds", "Update", "duration", method="Time of one update after a query, mean."),
    Column("eval_seconds", "Evaluation", "duration", method="Time of one evaluation on the test images, mean."),
    Column("cell_minutes", "Cell", "duration", 60, method="All queries, updates and evaluations of a cell, mean."),
    Column(
        "peak_memory_megabytes",
        "Peak memory, MB",
        ".1f",
        method="The largest peak of a query's memory over rounds and seeds; empty where it cannot be measured.",
    ),
)
_BENCHMARKS = (
    Column("group"),
    Column("name"),
    Column("mean_seconds", "Mean", "duration"),
    Column("stddev_seconds", "Standard deviation", "duration"),
    Column("repetitions"),
)


@dataclass(frozen=True)
class Cost(ReportSection):
    """Time and memory of queries, training and evaluation, and the gain against them."""

    title: ClassVar[str] = "Cost"
    order: ClassVar[int] = 500

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return the costs of each strategy, query times by round, and the gains over every reference."""
        gains = {f"over {name}": compare(results.areas, "accuracy_area", name) for name in references(results)}
        later = results.rounds[results.rounds["round"] > 0]
        return {"costs": costs(results.rounds), "times": mean_curves(later, ("query_seconds",)), **gains}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return tables of costs, query times over the rounds, gain against query time, and benchmarks when given."""
        if results.rounds.empty:
            return Content("No cell has finished yet, so no cost is known.")
        parts: list[Part] = []
        for setting in results.settings:
            own = frames["costs"][frames["costs"]["setting"] == setting]
            parts.append(Table(own, f"{setting}: time and memory", _COLUMNS, when={"setting": setting}))
            parts += _times(frames["times"], results, setting)
            for reference in references(results):
                parts += _gains(frames[f"over {reference}"], own, setting, reference)
        if results.benchmarks:
            benchmarks = pd.DataFrame(list(results.benchmarks))
            parts.append(Table(benchmarks, "Scoring benchmarks, measured apart from the study", _BENCHMARKS))
        return Content(_sentence(frames["costs"]), parts)


def _sentence(frame: pd.DataFrame) -> str:
    known = frame.dropna(subset="query_seconds").sort_values("query_seconds")
    if known.empty:
        return "Nothing was queried, so no query has a cost."
    fastest, slowest = known.iloc[0], known.iloc[-1]
    spent = slowest[["query_seconds", "train_seconds", "eval_seconds"]].sum()
    share = f"of a round of {slowest['strategy']} the query is {percent(slowest['query_seconds'] / max(spent, 1e-9))}"
    takes = f"A query of {slowest['strategy']} takes {duration(slowest['query_seconds'])} on average"
    if fastest["strategy"] == slowest["strategy"]:
        return f"{takes}; {share}."
    return f"{takes}, one of {fastest['strategy']} {duration(fastest['query_seconds'])}; {share}."


def _times(times: pd.DataFrame, results: Results, setting: str) -> list[Figure]:
    here = times[times["setting"] == setting].dropna(subset="mean")
    own = draw.by_strategy(here, results.strategies)
    lines = [draw.line(frame, "mean", name, "duration") for name, frame in own.items()]
    if not lines:
        return []
    said = [
        f"{name} {duration(frame['mean'].iloc[0])} at first and {duration(frame['mean'].iloc[-1])} at the end"
        for name, frame in own.items()
    ]
    axis = draw.duration_axis("Time of a query", here["mean"])
    return [
        Figure(
            {"data": lines, "layout": {"yaxis": axis}},
            f"Time of a query, {setting}",
            summary=f"Time of a query on {setting}: {'; '.join(said)}.",
            method="Mean over seeds; the device is synchronised before and after, training is not in it.",
            when={"setting": setting},
        )
    ]


def _gains(gains: pd.DataFrame, costs: pd.DataFrame, setting: str, reference: str) -> list[Figure]:
    """Return each strategy's gain over the reference against the time of its queries."""
    here = gains[gains["setting"] == setting].merge(costs, on=["setting", "strategy"])
    here = here[here["difference"].notna() & (here["query_seconds"] > 0)]
    if here.empty:
        return []
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": row["strategy"],
            "legendgroup": row["strategy"],
            "x": draw.numbers([row["query_seconds"]]),
            "y": draw.numbers([100 * row["difference"]]),
            "error_y": draw.error_bar(*(100 * row[f"difference{bound}"] for bound in ("", "_low", "_high"))),
            "marker": {"size": 11},
            "customdata": [duration(row["query_seconds"])],
            "hovertemplate": "%{customdata} a query, %{y:+.2f} points",
        }
        for row in here.to_dict("records")
    ]
    layout = {
        "hovermode": "closest",
        "xaxis": draw.duration_axis("Time of a query", here["query_seconds"]),
        "yaxis": {"title": {"text": f"Area: difference to {reference}, points"}, "zeroline": True},
    }
    said = [
        f"{row['strategy']} {points(row['difference'])} points for {duration(row['query_seconds'])} a query"
        for row in here.to_dict("records")
    ]
    return [
        Figure(
            {"data": traces, "layout": layout},
            f"Gain in accuracy area over {reference} against the time of a query, {setting}",
            summary=f"On {setting}: {'; '.join(said)}.",
            method="The paired difference in accuracy area with its 95 % interval, those of all strategies holding "
            "together, over the mean time of one query.",
            when={"setting": setting, "reference": reference},
        )
    ]
