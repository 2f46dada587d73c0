"""A study as it proceeds, read from its store: a live table on a terminal, else a line for each change."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from albench.cli.standing import setting_names, summary
from albench.cli.terminal import acting, is_lost
from albench.errors import printable
from albench.store.reader import CellStatus
from albench.store.store import Store

if TYPE_CHECKING:
    from rich.table import Table

POLL_SECONDS = 2.0
SHARE = 10  # a look takes at most one part in so many of the time
SETTLED = ("done", "failed", "damaged")
COLUMNS = ("done", "running", "missing", "failed", "damaged")


def watch(store: Store) -> None:
    """Show where a study stands until each cell is settled, the study is cancelled, or Ctrl+C."""
    from rich.console import Console
    from rich.live import Live

    console = Console(file=acting(sys.stdout))
    if not console.is_terminal:
        _tell(_looks(store), typer.echo)
        return
    with Live(console=console, auto_refresh=False) as live:
        for statuses in _looks(store):
            live.update(_table(statuses), refresh=True)


def _looks(store: Store) -> Iterator[list[CellStatus]]:
    """Yield the statuses again and again, the last time when nothing more is to come."""
    while True:
        begun = time.monotonic()
        fresh = Store(store.root)
        cancelled = fresh.is_cancelled()
        statuses = fresh.statuses()
        yield statuses
        states = {one.status for one in statuses}
        if states <= set(SETTLED) or (cancelled and "running" not in states):
            return
        time.sleep(max(POLL_SECONDS, SHARE * (time.monotonic() - begun)))


def _tell(looks: Iterator[list[CellStatus]], say: Callable[[str], None]) -> None:
    """Say in a line how many cells stand where, each time that it changed."""
    last = ""
    for statuses in looks:
        line = summary(statuses)
        if line != last:
            say(line)
        if is_lost(sys.stdout):
            return
        last = line


def _table(statuses: Sequence[CellStatus]) -> Table:
    """Return a row for each setting and strategy: how many of its cells stand where, and how many rounds they have."""
    from rich.table import Table
    from rich.text import Text

    names = setting_names(list(statuses))
    rows: dict[tuple[str, str], Counter[str]] = {}
    for one in statuses:
        counts = rows.setdefault((names[one.setting], one.strategy), Counter())
        counts.update({one.status: 1, "rounds": one.rounds})
    table = Table(title=Text(summary(list(statuses))))
    for heading in ("setting", "strategy", *COLUMNS, "rounds"):
        table.add_column(heading)
    for (setting, strategy), counts in rows.items():
        cells: list[Any] = [Text(printable(setting)), Text(printable(strategy))]
        table.add_row(*cells, *(str(counts[name] or "") for name in (*COLUMNS, "rounds")))
    return table
