"""``albench export`` and ``albench merge``: stores as files, and several as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

OutputOption = Annotated[Path, typer.Option("--output", "-o", help="Where to write.")]


def export(
    store: Annotated[Path, typer.Argument(help="A folder that 'albench run' wrote, or an archive.")],
    output: OutputOption,
    weights: Annotated[
        bool, typer.Option("--weights", help="Into an archive: the networks too, so that cells can go on from it.")
    ] = False,
) -> None:
    """Write a store as one file: results.zip (an archive), or its rounds as rounds.parquet or rounds.csv."""
    from albench import reading

    typer.echo(str(reading.export(store, output, weights=weights)))


def merge(
    stores: Annotated[list[Path], typer.Argument(help="Folders that 'albench run' wrote, and archives.")],
    output: OutputOption,
) -> None:
    """Join stores and archives, by the keys of their cells, into a folder or an archive (.zip)."""
    from albench import reading

    typer.echo(str(reading.merge(stores, output)))
