"""How classes are found, and how well each is known at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from albench import Column, Content, Part, ReportSection, Results, Table
from albench.analysis import discoveries, discovery_summary, queries_to_class
from albench_reports.sections.shared.asked_lines import to_class
from albench_reports.sections.shared.known_classes import known_classes, shown_seeds
from albench_reports.sections.shared.novel import n_novel
from albench_reports.wording import percent

_COLUMNS = (
    Column("strategy"),
    Column(
        "coverage",
        "Coverage, %",
        ".1f",
        100,
        low="coverage_low",
        high="coverage_high",
        method="Novel classes found at the end / all novel classes, mean over seeds and 95 % t interval, cut to what "
        "is possible.",
    ),
    Column(
        "ratio",
        "Novel queries, %",
        ".1f",
        100,
        low="ratio_low",
        high="ratio_high",
        method="Queries of a class that was not in the initial set / all queries; where a query is of several classes, "
        "their images / all queried images.",
    ),
    Column(
        "uniformity",
        "Uniformity",
        ".2f",
        low="uniformity_low",
        high="uniformity_high",
        method="Entropy of the queried novel labels / log of the number of novel classes: 1 when all were asked for "
        "alike (Ma et al. 2024, Active Generalized Category Discovery).",
    ),
    Column(
        "queries_to_half",
        "Queries to half",
        ".1f",
        method="Queries until half of the novel classes were found, median over seeds; a seed that does not get there "
        "counts as more than any other, and the field is empty where half of the seeds do not.",
    ),
    Column("n_seeds", "Seeds"),
)


@dataclass(frozen=True)
class Discovered(ReportSection):
    """Discovery metrics, queries until the k-th novel class, and accuracy and confusion of each class at the end."""

    title: ClassVar[str] = "Classes found and known"
    order: ClassVar[int] = 380

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return discovery metrics, and the queries until the k-th novel class."""
        if results.rounds.empty:
            return {}
        cells = discoveries(results.rounds, n_novel(results))
        return {"summary": discovery_summary(cells), "to_class": queries_to_class(results.rounds)}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return the metrics of each setting, and the classes of each seed that is shown."""
        if results.rounds.empty:
            return Content("No cell has finished yet, so no class was found.")
        parts: list[Part] = []
        said = []
        for setting in results.settings:
            summary = frames["summary"][frames["summary"]["setting"] == setting].dropna(subset="coverage")
            if len(summary):
                said.append(f"{setting}: {_coverage(summary)}.")
                ordered = summary.sort_values(["coverage", "strategy"], ascending=[False, True])
                caption = f"{setting}: how novel classes are found"
                parts.append(Table(ordered, caption, _COLUMNS, when={"setting": setting}))
                parts += to_class(frames["to_class"], results, setting)
            for seed in shown_seeds(results, setting):
                parts += known_classes(results, setting, seed)
        return Content("\n".join(said) or "Every class was known from the start.", parts)


def _coverage(summary: pd.DataFrame) -> str:
    """Return the best and the worst coverage in words."""
    ordered = summary.sort_values(["coverage", "strategy"], ascending=[False, True])
    best, last = ordered.iloc[0], ordered.iloc[-1]
    share = percent(best["coverage"])
    if best["coverage"] == last["coverage"]:
        return f"{'every strategy' if len(ordered) > 1 else best['strategy']} finds {share} of the novel classes"
    others = f"{last['strategy']} {percent(last['coverage'])}"
    return f"{best['strategy']} finds {share} of the novel classes, {others}, means over seeds"
