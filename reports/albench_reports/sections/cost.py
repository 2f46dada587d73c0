"""What the strategies cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from albench.analysis.cost import costs
from albench.contracts.report import Column, Content, ReportSection, Results, Table

_COLUMNS = (
    Column("strategy"),
    Column(
        "query_seconds", "Query, s", ".3g", method="Time of one query, mean over rounds and seeds; training is apart."
    ),
    Column("query_seconds_largest", "Longest query, s", ".3g", method="The longest query of any round and seed."),
    Column("train_seconds", "Update, s", ".3g", method="Time of one update after a query, mean over rounds and seeds."),
    Column("eval_seconds", "Evaluation, s", ".3g", method="Time of one evaluation on the test images, mean."),
    Column("cell_minutes", "Cell, min", ".3g", method="Queries, updates and evaluations of one cell, mean over seeds."),
    Column(
        "peak_memory_megabytes",
        "Peak memory, MB",
        ".0f",
        method="The largest peak of a query's memory over rounds and seeds; empty where it cannot be measured.",
    ),
)


@dataclass(frozen=True)
class Cost(ReportSection):
    """Time and memory of queries, training and evaluation."""

    title: ClassVar[str] = "Cost"
    order: ClassVar[int] = 500

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return the costs of each strategy."""
        return {"costs": costs(results.rounds)}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return one table a scenario."""
        frame = frames["costs"]
        if frame.empty:
            return Content("No cell has finished yet, so no cost is known.")
        slowest, fastest = (frame.loc[frame["query_seconds"].fillna(0).agg(end)] for end in ("idxmax", "idxmin"))
        sentence = (
            f"A query of {slowest['strategy']} takes {slowest['query_seconds']:.3g} s on average, "
            f"one of {fastest['strategy']} {fastest['query_seconds']:.3g} s."
        )
        tables = [
            Table(frame[frame["scenario"] == name], f"{name}: time and memory", _COLUMNS, when={"scenario": name})
            for name in results.scenarios
        ]
        return Content(sentence, tables)
