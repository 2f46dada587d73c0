"""What was asked: the queried images, the classes they belong to, and what was found with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from albench.analysis.discovery import discoveries, discovery_summary, queries_to_class
from albench.contracts.report import Column, Content, Part, ReportSection, Results, Table
from albench_reports.sections.asked_classes import class_maps
from albench_reports.sections.asked_images import galleries
from albench_reports.sections.asked_lines import to_class
from albench_reports.wording import count, percent

MOST_CELLS = 45  # cells whose images and classes the page holds
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
        method="Queries of a class that was not in the initial set / all queries.",
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
class Asked(ReportSection):
    """The queried images in the order of the queries, their classes over the rounds, and discovery metrics."""

    title: ClassVar[str] = "What was asked"
    order: ClassVar[int] = 400

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return discovery metrics, and the queries until the k-th novel class."""
        if results.rounds.empty:
            return {}
        cells = discoveries(results.rounds, n_novel(results))
        return {"summary": discovery_summary(cells), "to_class": queries_to_class(results.rounds)}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return the metrics of each scenario, and images and classes of each seed that is shown."""
        if results.rounds["query_class"].isna().all():
            return Content("No finished cell has queried anything.")
        parts: list[Part] = []
        for scenario in results.scenarios:
            summary = frames["summary"][frames["summary"]["scenario"] == scenario]
            if summary["coverage"].notna().any():
                ordered = summary.sort_values(["coverage", "strategy"], ascending=[False, True])
                caption = f"{scenario}: how novel classes are found"
                parts.append(Table(ordered, caption, _COLUMNS, when={"scenario": scenario}))
                parts += to_class(frames["to_class"], results, scenario)
        shown = {scenario: shown_seeds(results, scenario) for scenario in results.scenarios}
        for scenario, seeds in shown.items():
            for seed in seeds:
                parts += galleries(results, scenario, seed)
                parts += class_maps(results, scenario, seed)
        return Content("\n".join(_sentences(frames["summary"], results, shown)), parts)


def n_novel(results: Results) -> dict[str, int]:
    """Return the number of novel classes of each scenario: as its networks were tested, else as it was asked for."""
    found = {label: int(choice["parameters"].get("novel") or 0) for label, choice in results.study["scenarios"].items()}
    for outcome in results.outcomes:
        found[outcome["scenario"]] = len(outcome["classes"]) - outcome["n_known"]
    return found


def shown_seeds(results: Results, scenario: str) -> list[int]:
    """Return the seeds whose queries are shown: as many as the page can hold."""
    here = results.rounds[results.rounds["scenario"] == scenario]
    seeds = sorted(int(seed) for seed in here["seed"].unique())
    most = MOST_CELLS // max(1, here["strategy"].nunique() * len(results.scenarios))
    return seeds[: max(1, most)]


def _coverage(summary: pd.DataFrame) -> str:
    """Return the best and the worst coverage in words."""
    ordered = summary.sort_values(["coverage", "strategy"], ascending=[False, True])
    best, last = ordered.iloc[0], ordered.iloc[-1]
    share = percent(best["coverage"])
    if best["coverage"] == last["coverage"]:
        return f"{'every strategy' if len(ordered) > 1 else best['strategy']} finds {share} of the novel classes"
    others = f"{last['strategy']} {percent(last['coverage'])}"
    return f"{best['strategy']} finds {share} of the novel classes, {others}, means over seeds"


def _sentences(summary: pd.DataFrame, results: Results, shown: Mapping[str, list[int]]) -> list[str]:
    said = []
    for scenario, seeds in shown.items():
        here = summary[summary["scenario"] == scenario].dropna(subset="coverage")
        if len(here):
            said.append(f"{scenario}: {_coverage(here)}.")
        total = results.rounds.loc[results.rounds["scenario"] == scenario, "seed"].nunique()
        if len(seeds) < total:
            said.append(f"{scenario}: the queries of {count(len(seeds), 'seed')} of {total} are shown.")
    return said
