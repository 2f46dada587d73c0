"""The application: its commands, its errors and its exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from albench.cli import bench, check, describe, doctor, new, report, run, status
from albench.errors import AlbenchError, RequestError

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
app.command("status")(status.status)
app.command("report")(report.report)
app.command("list")(describe.list_)
app.command("show")(describe.show)
app.command("doctor")(doctor.doctor)
app.command("check")(check.check)
app.command("bench")(bench.bench)
app.add_typer(new.app, name="new")


def main() -> None:
    """Run the command line; an error is one sentence, and its exit code says whose it is."""
    try:
        app()
    except AlbenchError as error:
        if _debug:
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(2 if isinstance(error, RequestError) else 1)


if __name__ == "__main__":
    main()
