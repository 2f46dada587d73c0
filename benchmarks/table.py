"""Rows that benchmarks leave for the table at the end of the run, and for the record of `make bench`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

HIGHER, LOWER = "higher", "lower"  # which way a remembered ratio gets better

_tables: dict[str, list[Mapping[str, Any]]] = {}
_records: dict[str, list[dict[str, Any]]] = {}


def add(
    title: str,
    row: Mapping[str, Any],
    *,
    higher: Sequence[str] = (),
    lower: Sequence[str] = (),
    name: str | None = None,
) -> None:
    """Keep a row; its keys are the columns.

    `higher` and `lower` name the columns that `make bench-compare` remembers: ratios to a floor or a peer measured in
    the same run, of which a higher or a lower one is better. From run to run such a row is known by its title and its
    `name`, where none is given its cells before the first fraction; ValueError where two of a title have the same.
    """
    known_as = name if name is not None else named(row)
    better = dict.fromkeys(higher, HIGHER) | dict.fromkeys(lower, LOWER)
    if missing := sorted(set(better) - set(row)):
        raise ValueError(f"the row {known_as!r} of {title!r} has no column {missing[0]!r} to remember")
    kept = _records.setdefault(title, [])
    if better and any(one["better"] for one in kept if one["name"] == known_as):
        raise ValueError(f"two rows of {title!r} are named {known_as!r}; give them a name= of their own")
    kept.append({"name": known_as, "cells": dict(row), "better": better})
    _tables.setdefault(title, []).append(row)


def named(row: Mapping[str, Any]) -> str:
    """Return what a row is of: its cells before the first fraction, which was measured."""
    return ", ".join(str(cell) for cell in takewhile(lambda cell: isinstance(cell, str | int), row.values()))


def records() -> dict[str, list[dict[str, Any]]]:
    """Return all rows by title: of each its `name`, its `cells`, and which way its remembered ones get `better`."""
    return _records


def rows(title: str) -> list[Mapping[str, Any]]:
    return _tables.get(title, [])


def rendered() -> Iterator[tuple[str, list[str]]]:
    """Yield each table's title and lines."""
    for title, found in _tables.items():
        columns = list(dict.fromkeys(key for row in found for key in row))
        cells = [columns, *[[shown(row.get(column)) for column in columns] for row in found]]
        widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
        yield title, ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]


def shown(value: Any) -> str:
    """Return a cell as text, a fraction with four digits."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
