"""What was asked: the queried images in the order of the queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from albench import Content, ReportSection, Results
from albench_reports.sections.shared.asked_images import galleries
from albench_reports.sections.shared.known_classes import shown_seeds
from albench_reports.wording import count


@dataclass(frozen=True)
class Asked(ReportSection):
    """The queried images in the order of the queries."""

    title: ClassVar[str] = "What was asked"
    order: ClassVar[int] = 400
    columns: ClassVar[Sequence[str]] = ("query_indices",)

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return nothing: images are drawn as they are."""
        del results
        return {}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:  # noqa: ARG002
        """Return the images of each seed that is shown."""
        if results.rounds.empty:
            return Content("No finished cell has queried anything.")
        shown = {setting: shown_seeds(results, setting) for setting in results.settings}
        parts = [
            part for setting, seeds in shown.items() for seed in seeds for part in galleries(results, setting, seed)
        ]
        return Content("\n".join(_sentences(results, shown)), parts)


def _sentences(results: Results, shown: Mapping[str, list[int]]) -> list[str]:
    said = []
    for setting, seeds in shown.items():
        total = results.rounds.loc[results.rounds["setting"] == setting, "seed"].nunique()
        if len(seeds) < total:
            said.append(f"{setting}: the queries of {count(len(seeds), 'seed')} of {total} are shown.")
    return said or ["The images that each strategy asked for, the first of each round."]
