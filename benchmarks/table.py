"""Rows that benchmarks leave for the table at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_tables: dict[str, list[Mapping[str, Any]]] = {}


def add(title: str, row: Mapping[str, Any]) -> None:
    """Keep a row; its keys are the columns."""
    _tables.setdefault(title, []).append(row)


def rows(title: str) -> list[Mapping[str, Any]]:
    return _tables.get(title, [])


def rendered() -> Iterator[tuple[str, list[str]]]:
    """Yield each table's title and lines."""
    for title, found in _tables.items():
        columns = list(dict.fromkeys(key for row in found for key in row))
        cells = [columns, *[[_text(row.get(column)) for column in columns] for row in found]]
        widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
        yield title, ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
