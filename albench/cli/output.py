"""Tables and warnings on a terminal, JSON for programs, and what --set options give."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from albench.errors import RequestError, printable, shown
from albench.plugins.host import host


class Format(StrEnum):
    """How a listing is written."""

    table = "table"
    json = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="A table, or one JSON array.")]


def show_rows(rows: Sequence[Mapping[str, Any]], output: Format, columns: Sequence[str]) -> None:
    """Print rows as a table whose cells are never truncated, or as one JSON array."""
    if output is Format.json:
        text = json.dumps(list(rows), indent=1, ensure_ascii=False, default=str)
        typer.echo("".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text))
        return
    cells = [[printable(str(row.get(column, ""))) for column in columns] for row in rows]
    widths = [max(len(line[place]) for line in [list(columns), *cells]) for place in range(len(columns))]
    lines = (zip(line, widths, strict=True) for line in [list(columns), *cells])
    typer.echo("\n".join("  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in lines))


def warn_of_plugins() -> None:
    """Print one line on standard error for each problem with a plugin."""
    for problem in host().problems:
        typer.echo(f"warning: {printable(str(problem))} ('albench doctor' tells more)", err=True)


def assignments(texts: list[str]) -> dict[str, Any]:
    """Return what --set options give, numbers as numbers and the rest as text."""
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise RequestError(f"--set {shown(text)}: write key=value, such as --set rounds=20")
        found[key.strip()] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    if "\n" in text:  # which would be more than one line of TOML
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # text, or what no parameter can be: its parameter's check says so
        return text
