"""``albench run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from albench.cli.completing import one_of, presets, several_of
from albench.cli.options import DataOption, DeviceOption, OfflineOption
from albench.cli.output import Format, assignments, warn_of_plugins
from albench.cli.standing import setting_names, summary
from albench.cli.status import show_kept, show_statuses


def run(
    study: Annotated[Path | None, typer.Argument(help="A study file (TOML).")] = None,
    strategies: Annotated[
        str | None,
        typer.Option(
            help='Strategies, such as "emoc[output=softmax],random".', autocompletion=several_of("strategies")
        ),
    ] = None,
    scenarios: Annotated[
        str | None,
        typer.Option(help='Scenarios, such as "digits,cifar100[known=5]".', autocompletion=several_of("scenarios")),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help='How a round asks: "discovery", "top-k[query_size=100]", or a list.',
            autocompletion=several_of("protocols"),
        ),
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(help='How networks are trained: "finetune,retrain".', autocompletion=several_of("learners")),
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="The network, or a list.", autocompletion=several_of("networks"))
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="A number of seeds, a list such as 0,3,7, or a range 0-4.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Rounds of a cell. [default: of the preset]")] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="What to run, see 'albench list presets'. [default: quickstart]", autocompletion=presets),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the chosen protocols, learners and so on."),
    ] = None,
    data: DataOption = None,
    offline: OfflineOption = False,
    device: DeviceOption = None,
    threads: Annotated[int, typer.Option(help="CPU threads of a cell; results' last bits depend on it.")] = 1,
    jobs: Annotated[int | None, typer.Option(help="Cells at a time. [default: the number of cores]")] = None,
    executor: Annotated[str, typer.Option(help="What runs the cells.", autocompletion=one_of("executors"))] = "local",
    cell_timeout: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="End a cell that takes longer, such as 90s, 30m or 2h; it has failed."),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="End a cell whose worker process takes more memory, such as 500M or 8G."),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return once everything is submitted; see 'albench status --watch'.")
    ] = False,
    store: Annotated[
        Path | None, typer.Option(help="Folder for the results. [default: runs/<study>]", readable=False)
    ] = None,
    with_reference: Annotated[
        list[str] | None,
        typer.Option(
            help="A reference to compare with: a name of 'albench reference list', or an archive. What it holds is "
            "not run."
        ),
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed cells again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the grid and what is done, and stop.")] = False,
) -> None:
    """Run strategies against each other; what a store holds already is not run again."""
    from albench import api
    from albench.cli.progress import progress
    from albench.datadir import data_settings
    from albench.running.device import check_threads
    from albench.running.limits import Limits
    from albench.running.provenance import command_line
    from albench.study.study import Request
    from albench.study.survey import check_data

    warn_of_plugins()
    check_threads(threads)
    limits = Limits.of(cell_timeout, memory)
    values = assignments(set_ or [])
    request = Request(study, preset, strategies, scenarios, protocol, learner, network, seeds, rounds, values)
    with data_settings(data, offline or dry_run):
        planned = api.plan(request, store, retry_failed, with_reference or [])
        check_data(planned.study.scenarios, data)
        engine = api.build_executor(executor, jobs, planned.study)
        planned.takes_running = engine.remote
        show_kept(planned.kept)
        if dry_run:
            show_statuses(planned.statuses, Format.table)
            typer.echo(f"{len(planned.pending())} cells would run in {planned.store}")
            return
        if detach:
            count = api.submit(planned, engine, device, threads, command_line(), limits)
            typer.echo(f"{count} cells submitted; 'albench status {planned.store} --watch' shows them")
            return
        try:
            with progress(planned) as on_event:
                outcome = api.perform(planned, engine, device, threads, command_line(), on_event, limits=limits)
        except KeyboardInterrupt:
            typer.echo(_interrupted(engine.outlives, planned.store), err=True)
            raise SystemExit(api.EXIT_INTERRUPTED) from None
    _conclude(outcome)


def _interrupted(goes_on: bool, store: Path) -> str:
    if goes_on:
        return f"the workers go on; the same command joins them, and 'albench cancel {store}' stops them"
    return "interrupted; what was finished is kept, and the same command goes on from there"


def _conclude(outcome: Any) -> None:
    from albench.cli.leaderboard import print_leaderboard

    print_leaderboard(outcome.store, *outcome.references)
    names = setting_names(outcome.statuses)
    for one in outcome.statuses:
        if one.status != "done":
            typer.echo(f"{one.status}: {names[one.setting]} / {one.strategy} / seed {one.seed}: {one.reason}", err=True)
    if any(one.status == "failed" and not one.ran_out_of_time for one in outcome.statuses):
        typer.echo("failed cells run again with --retry-failed", err=True)
    typer.echo(f"{summary(outcome.statuses)} in {outcome.store}")
    for problem in outcome.problems:
        typer.echo(problem, err=True)
    if outcome.report:
        typer.echo(f"report: {outcome.report}")
    if outcome.exit_code:
        raise SystemExit(outcome.exit_code)
