"""``albench check``."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from albench.cli.completing import packages
from albench.cli.output import Format, FormatOption, show_rows

if TYPE_CHECKING:
    from albench.testing.check import Checked


def check(
    package: Annotated[
        str,
        typer.Argument(
            help="An installed package, plugin or distribution, such as albench_mine, or ./mine.py:Mine.",
            autocompletion=packages,
        ),
    ],
    output: FormatOption = Format.table,
    data: Annotated[Path | None, typer.Option("--data", help="The folder that holds scenarios' data.")] = None,
    offline: Annotated[bool, typer.Option("--offline/--online", help="Download no data for a scenario.")] = True,
) -> None:
    """Hold every component of an installed plugin to the contract of its kind; exit 1 when one breaks it."""
    from albench.datadir import data_settings
    from albench.testing.check import check as checks
    from albench.testing.check import summary

    found: list[Checked] = []
    with data_settings(data, offline):
        for item in checks(package):
            if output is Format.table and found and (item.kind, item.name) != (found[-1].kind, found[-1].name):
                _print_component(found)
            found.append(item)
    if output is Format.json:
        show_rows([asdict(item) for item in found], output, [])
    else:
        _print_component(found)
        typer.echo(summary(found))
    if not all(item.is_sound for item in found):
        raise typer.Exit(1)


def _print_component(found: list[Checked]) -> None:
    """Print the last component of the list: one line, and one for each message of clauses that do not simply hold."""
    last = [item for item in found if (item.kind, item.name) == (found[-1].kind, found[-1].name)]
    counts = Counter(item.outcome for item in last)
    counted = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("holds", "expected", "skipped", "broken"))
    mark = "BROKEN" if counts["broken"] else "ok"
    typer.echo(f"{mark:6}  {last[0].kind}  {last[0].name}: {counted}")
    clauses: dict[tuple[str, str], list[str]] = {}
    for item in last:
        if item.outcome != "holds":
            clauses.setdefault((item.outcome, item.message), []).append(item.clause)
    for (outcome, message), names in clauses.items():
        typer.echo(f"        {outcome} {', '.join(names)}: {message}")
