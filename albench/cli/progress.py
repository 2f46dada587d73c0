"""Progress: a live line with an ETA on a terminal, one plain line a finished round otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from albench.cli.terminal import acting
from albench.contracts.executor import Event
from albench.errors import printable
from albench.store.names import short_names

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

    from albench.api import Plan

ALL = "all strategies"


@contextmanager
def progress(planned: Plan) -> Iterator[Callable[[Event], None]]:
    """Give a function that shows events as they come."""
    from rich.console import Console

    console = Console(file=acting(sys.stderr))
    typer.echo(_heading(planned))
    if console.is_terminal:
        with _live(planned, console) as show:
            yield show
    else:
        names = _settings(planned)
        yield lambda event: typer.echo(_line(event, names))


def _heading(planned: Plan) -> str:
    study, pending = planned.study, len(planned.pending())
    names = ", ".join(choice.label for choice in study.strategies)
    return printable(
        f"{study.name}: {names} on {', '.join(_settings(planned).values())}, {len(study.seeds)} seeds: "
        f"{pending} of {len(planned.cells)} cells to run in {planned.store}"
    )


def _settings(planned: Plan) -> dict[str, str]:
    """Return the short names of the study's settings by their labels."""
    return short_names(
        {
            setting.label: {part: {"name": one.name, "label": one.label} for part, one in setting.parts().items()}
            for setting in planned.study.settings
        }
    )


def _line(event: Event, names: Mapping[str, str]) -> str:
    return printable(_told(event, names))


def _told(event: Event, names: Mapping[str, str]) -> str:
    cell = event["cell"]
    name = f"{names[cell['setting']]} / {cell['strategy']} / seed {cell['seed']}"
    if event["event"] == "training":
        return f"{name}: {_trained(event)}"
    if event["event"] == "round":
        row = event["row"]
        return (
            f"{name}: round {row['round']}: accuracy {row['accuracy']:.3f}, {row['n_classes']} classes, "
            f"{row['n_labeled']} labelled"
        )
    return f"{name}: {event['event']}" + (f": {event['reason']}" if "reason" in event else "")


def _trained(event: Event) -> str:
    """Return how far a long training is: "the initial training: 35 % (700 of 2000)"."""
    share = event["iteration"] / event["iterations"]
    return f"{event['what']}: {share:.0%} ({event['iteration']} of {event['iterations']} iterations)"


@contextmanager
def _live(planned: Plan, console: object) -> Iterator[Callable[[Event], None]]:
    from rich.console import Console
    from rich.progress import Progress

    assert isinstance(console, Console)
    names = _settings(planned)
    with Progress(*_columns(), console=console, speed_estimate_period=600) as bars:
        tasks = {
            name: bars.add_task(printable(name), total=total, latest="")
            for name, total in _rounds_to_run(planned).items()
        }

        def show(event: Event) -> None:
            if event["event"] == "round":
                row = event["row"]
                latest = f"seed {row['seed']}, round {row['round']}: {row['accuracy']:.1%}, {row['n_classes']} classes"
                bars.update(tasks[event["cell"]["strategy"]], advance=1, latest=latest)
                bars.advance(tasks[ALL])
            elif event["event"] == "training":
                bars.update(
                    tasks[event["cell"]["strategy"]],
                    latest=printable(f"seed {event['cell']['seed']}, {_trained(event)}"),
                )
            elif event["event"] != "done":
                bars.console.print(_line(event, names), style="red", markup=False, highlight=False)

        yield show


def _columns() -> list[ProgressColumn]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[latest]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(elapsed_when_finished=False),
    ]


def _rounds_to_run(planned: Plan) -> dict[str, int]:
    """Return how many rounds each strategy still has to run, round 0 included, and all together."""
    kept = {(one.setting, one.strategy, one.seed): one.rounds + bool(one.rounds) for one in planned.statuses}
    left: dict[str, int] = {}
    for cell in planned.pending():
        label = cell.strategy.label
        done = kept[cell.setting.label, label, cell.seed]
        left[label] = left.get(label, 0) + planned.rounds(cell) + 1 - done
    return {**left, ALL: sum(left.values())}
