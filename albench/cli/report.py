"""``albench report``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from albench.cli.completing import one_of
from albench.cli.output import warn_of_plugins


def report(
    stores: Annotated[list[Path], typer.Argument(help="Folders of 'albench run', or archives; several are merged.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; - for the terminal. [default: in or beside it]"),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="A report format; see 'albench list report-formats'.",
            autocompletion=one_of("report-formats"),
        ),
    ] = "html",
    reference: Annotated[
        str | None, typer.Option(help="The strategy to compare with. [default: random, else the first]")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of data sets, for the images that were queried.")] = None,
    with_reference: Annotated[
        list[str] | None,
        typer.Option(help="A reference to show beside it: a name of 'albench reference list', or an archive."),
    ] = None,
    benchmarks: Annotated[
        Path | None, typer.Option(help="Scoring benchmarks to show: a JSON file of pytest-benchmark.")
    ] = None,
) -> None:
    """Write the comparative report of one or several stores."""
    from albench.datadir import data_settings
    from albench.errors import RequestError
    from albench.plugins.host import host
    from albench.reading import write_report
    from albench.references.shelf import find_all

    warn_of_plugins()
    host().entry("report-formats", format_.partition("[")[0])
    beside = [one.path for one in find_all(with_reference or [])]
    with data_settings(data, offline=True):  # a report never downloads
        if output != Path("-"):
            typer.echo(str(write_report(stores, output, format_, reference, benchmarks, beside)))
            return
        with tempfile.TemporaryDirectory() as folder:
            written = write_report(stores, Path(folder) / "report", format_, reference, benchmarks, beside)
            if written and written.is_dir():
                raise RequestError(f"the format {format_} writes a folder of files; name it with --output")
            typer.echo(written.read_text(encoding="utf-8") if written else "", nl=False)
