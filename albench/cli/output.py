"""Tables and warnings on a terminal, and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from albench.plugins.host import host


class Format(StrEnum):
    """How a listing is written."""

    table = "table"
    json = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="A table, or one JSON array.")]


def show_rows(rows: Sequence[Mapping[str, Any]], output: Format, columns: Sequence[str]) -> None:
    """Print rows as a table whose cells are never truncated, or as one JSON array."""
    if output is Format.json:
        typer.echo(json.dumps(list(rows), indent=1, ensure_ascii=False, default=str))
        return
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(line[place]) for line in [list(columns), *cells]) for place in range(len(columns))]
    for line in [list(columns), *cells]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def warn_of_plugins() -> None:
    """Print one line on standard error for each problem with a plugin."""
    for problem in host().problems:
        typer.echo(f"warning: {problem} ('albench doctor' tells more)", err=True)
