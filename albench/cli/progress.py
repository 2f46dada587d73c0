"""Progress: a live line with an ETA on a terminal, one plain line a finished round otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from albench.contracts.executor import Event

if TYPE_CHECKING:
    from albench.api import Plan

ALL = "all strategies"


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
    with Progress(*columns, console=console, speed_estimate_period=600) as bars:
        tasks = {name: bars.add_task(name, total=total, latest="") for name, total in _rounds_to_run(planned).items()}

        def show(event: Event) -> None:
            if event["event"] == "round":
                row = event["row"]
                latest = f"seed {row['seed']}, round {row['round']}: {row['accuracy']:.1%}, {row['n_classes']} classes"
                bars.update(tasks[event["cell"]["strategy"]], advance=1, latest=latest)
                bars.advance(tasks[ALL])
            elif event["event"] != "done":
                bars.console.print(_line(event), style="red", markup=False, highlight=False)

        yield show


def _rounds_to_run(planned: Plan) -> dict[str, int]:
    """Return how many rounds each strategy still has to run, round 0 included, and all together."""
    kept = {(one.scenario, one.strategy, one.seed): one.rounds + bool(one.rounds) for one in planned.statuses}
    left: dict[str, int] = {}
    for cell in planned.pending():
        label = cell.strategy.label
        done = kept[cell.scenario.label, label, cell.seed]
        left[label] = left.get(label, 0) + planned.rounds(cell) + 1 - done
    return {**left, ALL: sum(left.values())}
