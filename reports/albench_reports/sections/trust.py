"""Whether to believe it: coverage of the grid, protocol, provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from albench.contracts.report import Content, ReportSection, Results, Table


@dataclass(frozen=True)
class Trust(ReportSection):
    """Coverage of the grid with reasons, the protocol in full, and where each result comes from."""

    title: ClassVar[str] = "Trust"
    order: ClassVar[int] = 900

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return coverage, what is not done, the protocol, and provenance a cell."""
        return {
            "coverage": _coverage(results.cells),
            "open": results.cells[results.cells["status"] != "done"],
            "protocol": _protocol(results.study),
            "provenance": _provenance(results.provenance),
        }

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return the tables, and a warning when cells are missing."""
        sentence = coverage_in_words(results.cells)
        tables = [Table(frames["coverage"], "Cells of each scenario and strategy")]
        if len(frames["open"]):
            tables.append(Table(frames["open"], "Cells that are not done, and why"))
        tables.append(Table(frames["protocol"], "Protocol in full", folded=True))
        if len(frames["provenance"]):
            tables.append(Table(frames["provenance"], "Provenance of each cell", folded=True))
        return Content(sentence, tables, [sentence] if len(frames["open"]) else [])


def coverage_in_words(cells: pd.DataFrame) -> str:
    """Return the coverage: "14 of 15 cells; 1 failed: digits / emoc / seed 2 (StrategyError: ...)."."""
    others = cells[cells["status"] != "done"]
    said = [f"{len(cells) - len(others)} of {len(cells)} cells"]
    for status, own in others.groupby("status"):
        first = own.iloc[0]
        more = f", and {len(own) - 1} more" if len(own) > 1 else ""
        name = f"{first['scenario']} / {first['strategy']} / seed {first['seed']}"
        said.append(f"{len(own)} {status}: {name} ({first['reason']}){more}")
    return "; ".join(said) + "."


def _coverage(cells: pd.DataFrame) -> pd.DataFrame:
    counts = cells.groupby(["scenario", "strategy", "status"], sort=False).size().unstack("status", fill_value=0)
    return counts.reindex(columns=["done", "running", "failed", "missing"], fill_value=0).reset_index()


def _protocol(study: Mapping[str, Any]) -> pd.DataFrame:
    rows = [("protocol", name, _text(value)) for name, value in study["protocol"].items()]
    components = {"network": [study["network"]], **{kind: study[kind].values() for kind in ("scenarios", "strategies")}}
    for kind, choices in components.items():
        for choice in choices:
            values = choice["parameters"].items()
            where = choice["label"] if kind != "network" else f"network {choice['label']}"
            rows += [(where, name, _text(value)) for name, value in values]
    return pd.DataFrame(rows, columns=["value_of", "name", "value"])


def _provenance(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{name: _text(value) for name, value in record.items()} for record in records])


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
