"""``albench query``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from albench.cli.completing import one_of
from albench.cli.options import DeviceOption
from albench.cli.output import assignments, warn_of_plugins

MOST_NOTES = 5  # on the terminal; the contact sheet has all


def query(
    labeled: Annotated[Path | None, typer.Option(help="Folder of labelled images: a folder for each class.")] = None,
    unlabeled: Annotated[
        Path | None, typer.Option(help="Folder of images to choose from; folders in it mean nothing.")
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="Instead of images: a file of features; rows to choose from have the label -1.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help="The strategy that chooses.", autocompletion=one_of("strategies"))
    ] = None,
    strategy_from: Annotated[
        Path | None, typer.Option(help="A store or archive of 'albench run': the strategy that leads there.")
    ] = None,
    setting: Annotated[str | None, typer.Option(help="Which of the store's settings. [default: its only one]")] = None,
    k: Annotated[int, typer.Option("-k", help="How many to label.")] = 100,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The CSV file to write; a contact sheet (.html) goes beside it.")
    ] = Path("next.csv"),
    network: Annotated[
        str | None,
        typer.Option(
            help="The network. [default: cifar10-quick; of features linear]", autocompletion=one_of("networks")
        ),
    ] = None,
    learner: Annotated[
        str | None, typer.Option(help="How it is trained. [default: retrain]", autocompletion=one_of("learners"))
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option(help='What reads the data: "images[size=96,fit=pad]".', autocompletion=one_of("scenarios")),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A parameter of data, network or learner, such as size=32."),
    ] = None,
    history: Annotated[
        list[Path] | None,
        typer.Option(help="An earlier answer whose files are labelled by now; several, the oldest first."),
    ] = None,
    stop_agreement: Annotated[
        float, typer.Option(help="Agreement (kappa) of successive networks at which labels stop paying.")
    ] = 0.99,
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 0,
    device: DeviceOption = None,
    threads: Annotated[int, typer.Option(help="CPU threads; the last bits of numbers depend on it.")] = 1,
) -> None:
    """Say what to label next: train on what is labelled, and write the files that a strategy wants, best first."""
    from albench.api import EXIT_INTERRUPTED
    from albench.querying.answer import checked_target
    from albench.querying.next import perform
    from albench.querying.request import QueryRequest
    from albench.running.watching import seldom

    warn_of_plugins()
    checked_target(output)
    request = QueryRequest(
        labeled, unlabeled, features, strategy, strategy_from, setting, k, scenario, network, learner,
        assignments(set_ or []), tuple(history or ()), stop_agreement, seed,
    )  # fmt: skip
    try:
        answer = perform(request, device, threads, seldom(_tell))
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing was written", err=True)
        raise SystemExit(EXIT_INTERRUPTED) from None
    _conclude(answer, output)


def _tell(what: str, done: int, total: int) -> None:
    typer.echo(f"{what}: {done / total:.0%} ({done} of {total} iterations)", err=True)


def _conclude(answer: Any, output: Path) -> None:
    written = answer.write(output)
    for note in answer.notes[:MOST_NOTES]:
        typer.echo(f"note: {note}", err=True)
    if len(answer.notes) > MOST_NOTES:
        where = f"; {written[1]} has all" if len(written) > 1 else ""
        typer.echo(f"note: {len(answer.notes) - MOST_NOTES} more{where}", err=True)
    for sentence in answer.sentences:
        typer.echo(sentence)
    for path in written:
        typer.echo(str(path))
