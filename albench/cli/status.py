"""``albench status``."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from albench.cli.output import Format, FormatOption, show_rows
from albench.store.cell import CellStatus
from albench.store.names import named, short_names
from albench.store.store import Store
from albench.study.spec import PARTS


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
    names = setting_names(statuses)
    first = "setting" if len(names) > 1 else "scenario"
    rows = [asdict(one) for one in statuses]
    if output is Format.table:
        rows = [{**row, "setting": names[row["setting"]]} for row in rows]
    show_rows(rows, output, [first, "strategy", "seed", "status", "rounds", "reason"])


def setting_names(statuses: list[CellStatus]) -> dict[str, str]:
    """Return the short names of the cells' settings, by their labels."""
    return short_names({one.setting: {part: named(getattr(one, part)) for part in PARTS} for one in statuses})


def summary(statuses: list[CellStatus]) -> str:
    """Return the counts in words: "14 of 15 cells done; 1 failed"."""
    counts = Counter(one.status for one in statuses)
    others = [f"{counts[name]} {name}" for name in ("running", "failed", "missing") if counts[name]]
    return "; ".join([f"{counts['done']} of {len(statuses)} cells done", *others])
