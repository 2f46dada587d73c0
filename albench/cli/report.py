"""``albench report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from albench.cli.output import warn_of_plugins


def report(
    store: Annotated[Path, typer.Argument(help="The folder that 'albench run' wrote.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; default: in the store.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", help="A report format; see 'albench list report-formats'.")
    ] = "html",
) -> None:
    """Write the comparative report of a store."""
    from albench.api import write_report
    from albench.plugins import host

    warn_of_plugins()
    host().entry("report-formats", format_)
    typer.echo(str(write_report(store, output, format_)))
