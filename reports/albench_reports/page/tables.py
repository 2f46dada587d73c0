"""Tables made ready for the page: texts to read beside the raw numbers to sort by and to download."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from albench import Column, Table
from albench_reports.wording import duration, span

MISSING = "–"


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what is shown, its interval, and the raw values."""

    text: str
    interval: str
    value: str
    low: str
    high: str


@dataclass(frozen=True)
class Heading:
    """A column's heading, whether it holds numbers, and what its bounds are called in a CSV file."""

    name: str
    label: str
    is_number: bool
    low: str
    high: str


@dataclass(frozen=True)
class Grid:
    """A table as the template writes it."""

    headings: Sequence[Heading]
    rows: Sequence[Sequence[Cell]]
    methods: Sequence[tuple[str, str]]
    groups: Sequence[str]

    @property
    def has_groups(self) -> bool:
        """Whether some rows belong together."""
        return len(set(self.groups)) < len(self.groups)


def grid(table: Table) -> Grid:
    """Return a table's cells as text."""
    columns = table.columns or [Column(str(name)) for name in table.frame.columns]
    headings = [_heading(column, table.frame[column.name]) for column in columns]
    rows = [[_cell(column, row) for column in columns] for row in table.frame.to_dict("records")]
    methods = [
        (heading.label, column.method) for heading, column in zip(headings, columns, strict=True) if column.method
    ]
    groups = [str(value) for value in table.frame[table.group]] if table.group else []
    return Grid(headings, rows, methods, groups)


def _heading(column: Column, values: pd.Series[Any]) -> Heading:
    label = column.label or column.name.replace("_", " ").capitalize()
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return Heading(column.name, label, is_number, column.low, column.high)


def _cell(column: Column, row: dict[Any, Any]) -> Cell:
    value = row[column.name]
    low, high = (row[name] if name else None for name in (column.low, column.high))
    text = _shown(column, value)
    between = "" if _absent(low) or _absent(high) else span(_shown(column, low), _shown(column, high))
    return Cell(text, "" if between == text else between, _raw(value), _raw(low), _raw(high))


def _shown(column: Column, value: Any) -> str:
    if _absent(value):
        return MISSING
    if isinstance(value, str) or not column.format:
        return str(value)
    if column.format == "p":
        return "< .001" if value < 0.001 else f"{value:.3f}"
    if column.format == "duration":
        return duration(column.scale * value)
    return format(column.scale * value, column.format).replace("-", "−")


def _raw(value: Any) -> str:
    return "" if _absent(value) else str(value)


def _absent(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
