"""Whether to believe it: coverage of the grid, protocol, provenance, checksums."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from albench import Column, Content, Part, ReportSection, Results, Table
from albench_reports.sections.shared.notes import noted_limits, notes_table
from albench_reports.sections.shared.provenance import (
    as_text,
    data_notes_table,
    environment_table,
    mixtures,
    provenance_table,
    unequal_starts,
)
from albench_reports.wording import count

_PARTS = ("scenario", "protocol", "learner", "network")
_STORES = (
    Column("store"),
    Column(
        "sha256",
        "SHA-256",
        method="What this command prints in the store's folder: find study.json cells -name '*.json*' -type f -print0 "
        "| LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum",
    ),
)


@dataclass(frozen=True)
class Trust(ReportSection):
    """Coverage of the grid with reasons, the protocol in full, and where each result comes from."""

    title: ClassVar[str] = "Can I trust it?"
    order: ClassVar[int] = 900

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return coverage, what is not done, protocol, notes, environment, commands, checksums and provenance."""
        cells = results.cells
        return {
            "coverage": _coverage(cells),
            "open": cells.loc[cells["status"] != "done", ["setting", "strategy", "seed", "status", "reason"]],
            "settings": _settings(results.study),
            "parameters": _parameters(results.study),
            "data": data_notes_table(results.provenance),
            "notes": notes_table(results.rounds),
            "environment": environment_table(results.provenance) if results.provenance else pd.DataFrame(),
            "commands": pd.DataFrame({"command": [shlex.join(words) for words in results.study["commands"]]}),
            "stores": pd.DataFrame(list(results.stores)),
            "provenance": provenance_table(results.provenance),
        }

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return the tables, and warnings about what is missing, mixed, approximate or permitted."""
        coverage = coverage_in_words(results.cells)
        warnings = [coverage] if len(frames["open"]) else []
        warnings += [*mixtures(results.provenance), *unequal_starts(results.cells)]
        warnings += [*noted_limits(frames["notes"]), *_copies_that_differ(results.cells)]
        tables = {
            "settings": "Settings: what strategies are compared under",
            "coverage": "Cells of each setting and strategy",
            "open": "Cells that are not done, and why",
            "data": "What was noted of the data, as files that were left out",
            "notes": "What strategies noted with their rounds",
            "environment": "Hardware and versions",
            "commands": "Commands that made these results",
        }
        parts: list[Part] = [
            Table(frames[name], caption, _COLUMNS.get(name, ()))
            for name, caption in tables.items()
            if len(frames[name])
        ]
        parts.append(Table(frames["stores"], "Stores and their checksums", _STORES))
        parts.append(Table(frames["parameters"], "Protocol in full: every parameter", _PARAMETERS, folded=True))
        if len(frames["provenance"]):
            parts.append(Table(frames["provenance"], "Provenance of each cell", folded=True))
        return Content("\n".join([coverage, *_copies(results.cells)]), parts, warnings)


_PARAMETERS = (Column("part_of", "Part of"), Column("name"), Column("value"))
_COLUMNS = {
    "notes": (
        Column("setting"),
        Column("strategy"),
        Column("note"),
        Column("n_rounds", "Rounds"),
        Column("smallest", format=".3g"),
        Column("median", format=".3g"),
        Column("largest", format=".3g"),
        Column("texts"),
    )
}


def coverage_in_words(cells: pd.DataFrame) -> str:
    """Return the coverage: "14 of 15 cells; 1 failed: digits / emoc / seed 2 (StrategyError: ...)."."""
    others = cells[cells["status"] != "done"]
    said = [f"{len(cells) - len(others)} of {count(len(cells), 'cell')}"]
    for status, own in others.groupby("status"):
        first = own.iloc[0]
        more = f", and {len(own) - 1} more" if len(own) > 1 else ""
        name = f"{first['setting']} / {first['strategy']} / seed {first['seed']}"
        said.append(f"{len(own)} {status}: {name} ({first['reason']}){more}")
    return "; ".join(said) + "."


def _coverage(cells: pd.DataFrame) -> pd.DataFrame:
    counts = cells.groupby(["setting", "strategy", "status"], sort=False).size().unstack("status", fill_value=0)
    usual = ["done", "running", "failed", "damaged", "missing"]
    shown = [name for name in usual if name in counts or name != "damaged"]
    return counts.reindex(columns=shown, fill_value=0).reset_index()


def _copies(cells: pd.DataFrame) -> list[str]:
    several = int((cells["copies"] > 1).sum())
    if not several:
        return []
    same = "" if _copies_that_differ(cells) else ", with the same numbers"
    are = "cell is" if several == 1 else "cells are"
    return [f"{several} {are} in more than one store{same}; each counts once."]


def _copies_that_differ(cells: pd.DataFrame) -> list[str]:
    differing = cells[~cells["copies_agree"].astype(bool)]
    if differing.empty:
        return []
    first = differing.iloc[0]
    return [
        f"{len(differing)} {'cell has' if len(differing) == 1 else 'cells have'} other numbers in another store, such "
        f"as {first['setting']} / "
        f"{first['strategy']} / seed {first['seed']}; those of the first store count."
    ]


def _settings(study: Mapping[str, Any]) -> pd.DataFrame:
    """Return the settings with the names that this page gives them, and what they are made of."""
    rows = [
        {"setting": name, **{part: one[part]["label"] for part in _PARTS}, "label": one["label"]}
        for name, one in study["settings"].items()
    ]
    return pd.DataFrame(rows, columns=["setting", *_PARTS, "label"])


def _parameters(study: Mapping[str, Any]) -> pd.DataFrame:
    """Return every parameter of every component that took part, those at their defaults included."""
    choices = {("strategy", one["label"]): one for one in study["strategies"].values()}
    settings = study["settings"].values()
    choices = {(part, one[part]["label"]): one[part] for part in _PARTS for one in settings} | choices
    rows = [
        (f"{what} {label}", name, as_text(value))
        for (what, label), choice in choices.items()
        for name, value in choice["parameters"].items()
    ]
    return pd.DataFrame(rows, columns=["part_of", "name", "value"])
