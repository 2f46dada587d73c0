"""``albench status``."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from albench.cli.output import Format, FormatOption, show_rows
from albench.cli.standing import setting_names, summary
from albench.errors import RequestError, printable
from albench.store.reader import CellStatus, StoreReader
from albench.store.store import Store, open_store


def status(
    store: Annotated[Path, typer.Argument(help="A folder that 'albench run' wrote, or an archive.", readable=False)],
    output: FormatOption = Format.table,
    watch: Annotated[bool, typer.Option("--watch", help="Show it live, until each cell is done or failed.")] = False,
) -> None:
    """Say of each cell whether it is done, running, failed, damaged or missing, and why."""
    opened = open_store(store)
    if watch:
        _watch(opened, output)
        return
    statuses = _statuses(opened)
    show_statuses(statuses, output)
    if output is Format.table:
        typer.echo(summary(statuses))
        show_kept([cell for cell, _ in opened.kept()])


def _statuses(opened: StoreReader) -> list[CellStatus]:
    """Return where each cell stands; of very many, looking for garbage among them takes a sixth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return opened.statuses()
    finally:
        if was_enabled:
            gc.enable()


def _watch(opened: StoreReader, output: Format) -> None:
    from albench.cli.watching import watch

    if not isinstance(opened, Store) or output is not Format.table:
        raise RequestError("--watch shows the folder of a run as a table; leave out --format, and give no archive")
    try:
        watch(opened)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def show_kept(cells: Sequence[Mapping[str, Any]]) -> None:
    """Say in a line that cells by other code are kept, if there are any."""
    if cells:
        names = ", ".join(printable(name) for name in dict.fromkeys(cell["strategy"] for cell in cells))
        count = "1 cell by other code is" if len(cells) == 1 else f"{len(cells)} cells by other code are"
        typer.echo(f"{count} kept and not counted ({names}); when that code comes back, so do its results")


def show_statuses(statuses: list[CellStatus], output: Format) -> None:
    """Print a row for each cell."""
    names = setting_names(statuses)
    first = "setting" if len(names) > 1 else "scenario"
    rows = [vars(one) for one in statuses]
    if output is Format.table:
        rows = [{**row, "setting": names[row["setting"]]} for row in rows]
    show_rows(rows, output, [first, "strategy", "seed", "status", "rounds", "reason"])
