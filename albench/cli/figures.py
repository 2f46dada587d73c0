"""``albench figures``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from albench.cli.output import warn_of_plugins


def figures(
    stores: Annotated[list[Path], typer.Argument(help="Folders of 'albench run', or archives; several are merged.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder for the files, FIGURE-SETTING.FORMAT.")],
    format_: Annotated[str, typer.Option("--format", help="pdf, svg, png, or several: pdf,png.")] = "pdf",
    figures: Annotated[
        str | None, typer.Option(help="Which: curves,differences,labels,ranks. [default: all that can be drawn]")
    ] = None,
    width: Annotated[str, typer.Option(help="Columns of a page: one (3.3 in) or two (6.9 in).")] = "one",
    strategies: Annotated[
        str | None,
        typer.Option(help="Which strategies beside the reference. [default: all; of many the leading lines]"),
    ] = None,
    target: Annotated[
        float | None, typer.Option(help="The accuracy that labels are counted to, as 0.6. [default: the report's]")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="The strategy to compare with. [default: random, else the first]")
    ] = None,
) -> None:
    """Draw the figures of one or several stores for a paper (needs matplotlib: pip install 'albench[figures]')."""
    from albench import reading

    warn_of_plugins()
    folder = reading.figures(
        stores,
        output,
        format=format_,
        figures=figures,
        width=width,
        strategies=strategies,
        target=target,
        reference=reference,
    )
    typer.echo(str(folder))
