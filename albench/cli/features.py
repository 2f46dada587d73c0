"""``albench features``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from albench.cli.completing import one_of
from albench.cli.files import OutputOption
from albench.cli.options import DataOption, DeviceOption, OfflineOption
from albench.cli.output import warn_of_plugins
from albench.cli.terminal import acting

TOLD = 10  # plain lines of a whole extraction


def features(
    scenario: Annotated[
        str,
        typer.Option(help='A scenario of images, such as "images[path=DIR]".', autocompletion=one_of("scenarios")),
    ],
    network: Annotated[
        str,
        typer.Option(
            help='The network, such as "torchvision[name=resnet50,weights=FILE]".', autocompletion=one_of("networks")
        ),
    ],
    output: OutputOption,
    seeds: Annotated[
        str | None, typer.Option(help="Only images that the splits of these seeds use. [default: the whole data set]")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images that the network sees at once.")] = 64,
    device: DeviceOption = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads. [default: the number of cores]")] = None,
    data: DataOption = None,
    offline: OfflineOption = False,
) -> None:
    """Write a network's features of a scenario's images into FILE.npz, for the scenario features[path=FILE.npz]."""
    from albench.api import EXIT_INTERRUPTED
    from albench.datadir import data_settings
    from albench.extraction.extract import extraction

    warn_of_plugins()
    with data_settings(data, offline):
        planned = extraction(
            scenario, network, output, seeds=seeds, batch_size=batch_size, device=device, threads=threads, data=data
        )
        if planned.is_there():
            typer.echo(f"{output} is there already, with these features")
            return
        if not planned.network.paths:
            typer.echo(
                f"warning: {planned.network.label} is given no file of weights; unless it brings its own, it has "
                "learned nothing, and so its features say little",
                err=True,
            )
        try:
            with _progress() as on_rows:
                planned.perform(on_rows)
        except KeyboardInterrupt:
            typer.echo("interrupted; what was computed is kept, and the same command goes on from there", err=True)
            raise SystemExit(EXIT_INTERRUPTED) from None
    typer.echo(f'{output}: {len(planned.asked.rows)} rows; run them with --scenarios "features[path={output}]"')


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows how many rows are done: a live line on a terminal, a plain one now and then."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(file=acting(sys.stderr))
    if console.is_terminal:
        with Progress(*Progress.get_default_columns(), console=console, speed_estimate_period=600) as bars:
            task = bars.add_task("features", total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
        return
    told = 0

    def show(done: int, total: int) -> None:
        nonlocal told
        if done * TOLD // total > told:
            told = done * TOLD // total
            typer.echo(f"features: {done} of {total} rows")

    yield show
