"""The application: its commands, its errors and its exit codes."""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import Annotated, Any

import typer

from albench.cli import (
    bench,
    cancel,
    check,
    describe,
    doctor,
    features,
    figures,
    files,
    new,
    query,
    reference,
    report,
    run,
    status,
)
from albench.errors import AlbenchError, EngineWarning, RequestError, StoreWarning

app = typer.Typer(
    help="Benchmark query strategies for deep active learning under one protocol.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
_debug = False


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"albench {version('albench')}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    global _debug
    _debug = debug


app.command("run")(run.run)
app.command("query")(query.query)
app.command("status")(status.status)
app.command("cancel")(cancel.cancel)
app.command("report")(report.report)
app.command("features")(features.features)
app.command("figures")(figures.figures)
app.command("export")(files.export)
app.command("merge")(files.merge)
app.command("list")(describe.list_)
app.command("show")(describe.show)
app.command("doctor")(doctor.doctor)
app.command("check")(check.check)
app.command("bench")(bench.bench)
app.add_typer(new.app, name="new")
app.add_typer(reference.app, name="reference")


def main() -> None:
    """Run the command line; an error is one sentence, and its exit code says whose it is."""
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path need not be UTF-8
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except AlbenchError as error:
        if _debug:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(2 if isinstance(error, RequestError) else 1)
    except OSError as error:
        if _debug or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be flushed at the end
        typer.echo(f"error: the output cannot be written ({error.strerror}); send it elsewhere", err=True)
        sys.exit(1)


def _show_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    """Show what is wrong with a store or an engine as one line, and other warnings as Python does."""
    if issubclass(category, (StoreWarning, EngineWarning)):
        typer.echo(f"warning: {message}", err=True)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno))


if __name__ == "__main__":
    main()
