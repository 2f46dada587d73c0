"""The application: its commands, its errors and its exit codes."""

from __future__ import annotations

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
from albench.cli.terminal import refusal, show_traceback, terminal
from albench.errors import AlbenchError, EngineWarning, RequestError, StoreWarning, printable

app = typer.Typer(
    help="Benchmark query strategies for deep active learning under one protocol.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
LEAVE_FILES = ("run", "query", "features", "figures", "export", "merge")  # commands whose product is not their output
_debug = False
_command: str | None = None


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"albench {version('albench')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    global _debug, _command
    _debug, _command = debug, context.invoked_subcommand


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
    """Run the command line; an error is one sentence, and its exit code says whose it is.

    Where what it prints has no reader any more, or no place, it goes on: results are worth more than the output.
    """
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
        with terminal() as (out, _):
            code = _run()
        refused = refusal(out)
    except BaseException as error:
        if not isinstance(error, SystemExit):
            sys.excepthook = show_traceback
        raise
    if refused:
        typer.echo(f"error: {refused}", err=True)
    if code or (refused and _command not in LEAVE_FILES):
        sys.exit(code or 1)


def _run() -> int:
    """Run the command line, and return its exit code."""
    try:
        app()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        raise
    except AlbenchError as error:
        if _debug:
            raise
        typer.echo(f"error: {printable(str(error))}", err=True)
        return 2 if isinstance(error, RequestError) else 1
    return 0


def _show_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    """Show what is wrong with a store or an engine as one line, and other warnings as Python does."""
    if issubclass(category, (StoreWarning, EngineWarning)):
        typer.echo(f"warning: {printable(str(message))}", err=True)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno))


if __name__ == "__main__":
    main()
