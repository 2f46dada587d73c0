"""``albench status``."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from albench.cell import CellStatus
from albench.cli.output import Format, FormatOption, show_rows
from albench.store import Store


def status(
    store: Annotated[Path, typer.Argument(help="The folder that 'albench run' wrote.")],
    output: FormatOption = Format.table,
) -> None:
    """Say of each cell whether it is done, running, failed or missing, and why."""
    statuses = Store(store).statuses()
    show_statuses(statuses, output)
    if output is Format.table:
        typer.echo(summary(statuses))


def show_statuses(statuses: list[CellStatus], output: Format) -> None:
    """Print a row for each cell."""
    columns = ["scenario", "strategy", "seed", "status", "rounds", "reason"]
    show_rows([asdict(one) for one in statuses], output, columns)


def summary(statuses: list[CellStatus]) -> str:
    """Return the counts in words: "14 of 15 cells done; 1 failed"."""
    counts = Counter(one.status for one in statuses)
    others = [f"{counts[name]} {name}" for name in ("running", "failed", "missing") if counts[name]]
    return "; ".join([f"{counts['done']} of {len(statuses)} cells done", *others])
