"""Progress: a live line with an ETA on a terminal, one plain line a finished round otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from albench.contracts.executor import Event

if TYPE_CHECKING:
    from albench.api import Plan


@contextmanager
def progress(planned: Plan) -> Iterator[Callable[[Event], None]]:
    """Give a function that shows events as they come."""
    from rich.console import Console

    console = Console(stderr=True)
    typer.echo(_heading(planned))
    if console.is_terminal:
        with _live(planned, console) as show:
            yield show
    else:
        yield lambda event: typer.echo(_line(event))


def _heading(planned: Plan) -> str:
    study, pending = planned.study, len(planned.pending())
    names = ", ".join(choice.label for choice in study.strategies)
    return (
        f"{study.name}: {names} on {', '.join(choice.label for choice in study.scenarios)}, {len(study.seeds)} seeds: "
        f"{pending} of {len(planned.cells)} cells to run in {planned.store}"
    )


def _line(event: Event) -> str:
    cell = event["cell"]
    name = f"{cell['scenario']} / {cell['strategy']} / seed {cell['seed']}"
    if event["event"] == "round":
        row = event["row"]
        return (
            f"{name}: round {row['round']}: accuracy {row['accuracy']:.3f}, {row['n_classes']} classes, "
            f"{row['n_labeled']} labelled"
        )
    return f"{name}: {event['event']}" + (f": {event['reason']}" if "reason" in event else "")


@contextmanager
def _live(planned: Plan, console: object) -> Iterator[Callable[[Event], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    assert isinstance(console, Console)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[latest]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    rounds = planned.study.protocol.rounds
    pending = planned.pending()
    done = {str(status.strategy): 0 for status in planned.statuses}
    with Progress(*columns, console=console, speed_estimate_period=600) as bars:
        each = None if rounds is None else rounds + 1
        counts = {name: sum(cell.strategy.label == name for cell in pending) for name in done}
        kept = {(s.scenario, s.strategy, s.seed): s.rounds + bool(s.rounds) for s in planned.statuses}
        tasks = {
            name: bars.add_task(name, total=None if each is None else count * each, latest="")
            for name, count in counts.items()
            if count
        }
        for cell in pending:
            bars.advance(tasks[cell.strategy.label], kept[cell.scenario.label, cell.strategy.label, cell.seed])

        def show(event: Event) -> None:
            name = event["cell"]["strategy"]
            if event["event"] == "round":
                row = event["row"]
                latest = f"seed {row['seed']}, round {row['round']}: {row['accuracy']:.1%}, {row['n_classes']} classes"
                bars.update(tasks[name], advance=1, latest=latest)
            elif event["event"] != "done":
                bars.console.print(_line(event), style="red", markup=False, highlight=False)

        yield show
