"""``albench reference``: finished studies to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from albench.cli.options import DataOption, OfflineOption
from albench.cli.output import Format, FormatOption, assignments, show_rows, warn_of_plugins

if TYPE_CHECKING:
    from albench.references.shelf import Reference
    from albench.references.verifying import Verdict

app = typer.Typer(help="Finished studies to compare with.", no_args_is_help=True, rich_markup_mode=None)

_Name = Annotated[str, typer.Argument(help="A name of 'albench reference list', an archive, or a store.")]
SHOWN_DIGITS = 12  # of a commit
SHOWN_TEXT = 60  # characters of a list in a table


@app.command("list")
def list_(output: FormatOption = Format.table) -> None:
    """List the references that are installed."""
    from albench.references.shelf import find, shelf

    rows = [{"name": name, **_summary(find(name))} for name in shelf()]
    if not rows and output is Format.table:
        typer.echo("no references are installed")
        return
    if output is Format.table:
        rows = [{key: _in_short(value) for key, value in row.items()} for row in rows]
    show_rows(rows, output, ["name", "settings", "strategies", "seeds", "rounds", "cells", "computed"])


def _in_short(value: Any) -> Any:
    """Return a list as a text, and as the number of its items where that is long."""
    if not isinstance(value, list):
        return value
    text = ", ".join(map(str, value))
    return text if len(text) <= SHOWN_TEXT else len(value)


@app.command("show")
def show(name: _Name, output: FormatOption = Format.table) -> None:
    """Say what a reference holds, how it was made, where and with what."""
    from albench.references.shelf import find

    reference = find(name)
    summary = {"name": name, **_summary(reference), **_origin(reference)}
    if output is Format.json:
        show_rows([summary], output, [])
        return
    for key, value in summary.items():
        values = value if isinstance(value, list) else [value]
        typer.echo(f"{key + ':':13}{values[0] if values else '-'}")
        for more in values[1:]:
            typer.echo(f"{'':13}{more}")


@app.command("verify")
def verify(
    name: _Name,
    strategy: Annotated[str | None, typer.Option(help="Of which strategy. [default: any]")] = None,
    seed: Annotated[int | None, typer.Option(help="Of which seed. [default: any]")] = None,
    rounds: Annotated[int | None, typer.Option(min=0, help="How many rounds to compute. [default: all]")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="What no reference holds, such as path=FILE of the data."),
    ] = None,
    data: DataOption = None,
    offline: OfflineOption = False,
) -> None:
    """Compute a cell of a reference again, drawn by lot, and compare: bit for bit on the same kind of processor."""
    from random import SystemRandom

    from albench import api
    from albench.datadir import data_settings
    from albench.references import verifying
    from albench.references.shelf import find
    from albench.store.reader import in_words

    warn_of_plugins()
    reference = find(name)
    one = SystemRandom().choice(verifying.candidates(reference, strategy, seed))
    due = len(one.snapshot.up_to(rounds)) - 1
    typer.echo(f"computing {in_words(one.cell)} again, {due} rounds")

    def tell(event: Any) -> None:
        if event["event"] == "round":
            typer.echo(f"round {event['row']['round']} of {due}", err=True)

    with data_settings(data, offline):
        engine = api.build_executor("local", 1)
        _conclude(verifying.verify(reference, one, engine, rounds, assignments(set_ or []), tell))


def _conclude(verdict: Verdict) -> None:
    """Say what came of it; exit 1 where numbers are others on a machine that should give the same."""
    if verdict.holds:
        typer.echo(f"{verdict.cell}: the same in all columns of {verdict.rounds + 1} rows, times and memory aside")
        return
    if not verdict.same_network:
        typer.echo(f"{verdict.cell}: its initial network has other weights")
    if verdict.first_different is not None:
        typer.echo(
            f"{verdict.cell}: other numbers from round {verdict.first_different}, in {', '.join(verdict.columns)}; "
            f"accuracies are at most {100 * verdict.accuracy_apart:.2f} points apart in a round"
        )
    if verdict.same_machine:
        typer.echo("processor and versions are those of the reference, so that they should be the same", err=True)
        raise SystemExit(1)
    typer.echo("processor or versions are others than those of the reference, which moves last digits")


def _summary(reference: Reference) -> dict[str, Any]:
    """Return what a reference holds, in numbers and names."""
    study, done = reference.store.study, list(reference.done.values())
    days = sorted(str(one.made.get("end", ""))[:10] for one in done)
    return {
        "settings": list(study["settings"]),
        "strategies": list(dict.fromkeys(str(one.cell["strategy"]) for one in done)),
        "seeds": sorted({int(one.cell["seed"]) for one in done}),
        "rounds": sorted({len(one.snapshot.rows) - 1 for one in done}),
        "cells": f"{len(done)} of {len(study['cells'])} done",
        "computed": days[-1] if days else "",
    }


def _origin(reference: Reference) -> dict[str, Any]:
    """Return how a reference was made: commands, processors, versions, commits; and its checksum."""
    from albench.references.beside import processor_of

    made = [one.made for one in reference.done.values()]
    versions = [one["versions"] for one in made if one.get("versions")]
    return {
        "commands": [" ".join(command) for command in reference.store.study["commands"]],
        "processors": _different(processor_of(one) for one in made),
        "versions": _different(f"{name} {one.get(name)}" for one in versions for name in ("albench", "torch")),
        "commits": _different((one.get("git") or {}).get("commit", "")[:SHOWN_DIGITS] for one in made),
        "sha256": reference.store.source.checksum(),
        "file": str(reference.path),
    }


def _different(values: Any) -> Sequence[str]:
    return list(dict.fromkeys(str(value) for value in values if value))
