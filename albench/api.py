"""What the command line calls, and Python users call as well."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.contracts.executor import Event, Executor
from albench.datadir import data_settings
from albench.errors import RequestError, StoreError, WriteError, shown
from albench.errors import reason as why
from albench.plugins.host import host
from albench.products.choice import chosen as chosen_product
from albench.reading import load, write_report
from albench.references.beside import differences, give, leave_out
from albench.references.shelf import Reference, find_all
from albench.running.device import check_device, check_threads
from albench.running.giving import give as give_to
from albench.running.limits import UNLIMITED, Limits
from albench.running.work import Work
from albench.store.joining import Copy
from albench.store.reader import CellStatus
from albench.store.store import Store, open_store
from albench.study.choice import HERE
from albench.study.seeds import Seeds
from albench.study.spec import CellSpec
from albench.study.study import Named, Request, Study, Surveys, read_study
from albench.study.survey import check_data

if TYPE_CHECKING:
    import pandas as pd

EXIT_OK, EXIT_CELLS, EXIT_REQUEST, EXIT_INTERRUPTED = 0, 1, 2, 130
LONGEST_PART = 255  # bytes of one name in a path, on every file system that is in use


@dataclass
class Plan:
    """A study's cells, where each stands in the store, and which of them a run would perform."""

    study: Study
    store: Path
    cells: list[CellSpec]
    statuses: list[CellStatus]
    surveys: Surveys
    retry_failed: bool
    kept: list[Mapping[str, Any]] = field(default_factory=list)  # cells of these names by other code, in the store
    takes_running: bool = False  # an engine elsewhere may have them from a run that is gone
    references: list[Reference] = field(default_factory=list)
    held: dict[str, Copy] = field(default_factory=dict)  # cells that a reference has, by key: they are not run
    problems: list[str] = field(default_factory=list)  # to be told, and nothing that stops a run

    def rounds(self, cell: CellSpec) -> int:
        """Return how many rounds a cell will have, round 0 left out."""
        most = self.surveys[cell.setting.scenario.label, cell.seed].rounds[cell.setting.label]
        return most if self.study.rounds is None else min(most, self.study.rounds)

    def pending(self) -> list[CellSpec]:
        """Return the cells to run: missing, damaged or out of time, and failed ones when they are to be tried again."""
        wanted = {"missing", "damaged"}
        wanted |= {"failed"} if self.retry_failed else set()
        wanted |= {"running"} if self.takes_running else set()
        pairs = zip(self.cells, self.statuses, strict=True)
        found = [(cell, one.status) for cell, one in pairs if one.status in wanted or one.ran_out_of_time]
        return [cell for cell, _ in sorted(found, key=lambda pair: pair[1] == "running")]  # maybe somebody else's: last


@dataclass
class Outcome:
    """What came of a run: the store, where each cell of the study stands, and the report's path."""

    store: Path
    statuses: list[CellStatus]
    report: Path | None = None
    problems: list[str] = field(default_factory=list)
    references: Sequence[Path] = ()  # that the report holds beside the store

    @property
    def exit_code(self) -> int:
        """0 when every cell of the study is done, else 1."""
        return EXIT_OK if all(status.status == "done" for status in self.statuses) else EXIT_CELLS

    def rounds(self) -> pd.DataFrame:
        """Return the store's results, one row a round."""
        return load(self.store)


def plan(
    request: Request,
    store: str | Path | None = None,
    retry_failed: bool = False,
    references: str | Path | Sequence[str | Path] = (),
) -> Plan:
    """Return what a run would do; everything that can be checked before the first cell is checked here.

    `references` are names, archives or stores. Raises RequestError, absent or damaged data included.
    """
    known = find_all(references)
    study = read_study(request)
    root = _usable(Path(store) if store is not None else Path("runs") / study.name)
    opened = Store(root)
    opened.check_folder()
    surveys = study.survey()
    cells = study.cells(surveys)
    opened.check_columns(study.settings)
    opened.check_data(cells)
    statuses = opened.statuses_of(cells, study.rounds)
    planned = Plan(study, root, cells, statuses, surveys, retry_failed, opened.other_code(cells), references=known)
    for reference in known:
        leave_out(planned.statuses, planned.held, reference, cells, study.rounds)
    return planned


def run(
    study: str | Path | None = None,
    *,
    strategies: Named | None = None,
    scenarios: Named | None = None,
    protocol: Named | None = None,
    learner: Named | None = None,
    network: Named | None = None,
    preset: str | None = None,
    seeds: Seeds | None = None,
    rounds: int | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - the option's word
    data: str | Path | None = None,
    offline: bool = False,
    device: str | None = None,
    threads: int = 1,
    jobs: int | None = None,
    executor: str = "local",
    store: str | Path | None = None,
    retry_failed: bool = False,
    report: bool = True,
    with_reference: str | Path | Sequence[str | Path] = (),
    cell_timeout: str | float | None = None,
    memory: str | float | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Outcome:
    """Run a study, or what is missing of it, and write its report.

    `study` is a TOML file; what else is given wins over it, as on the command line. Strategies, scenarios and so on are
    texts such as ``"random,emoc[output=softmax]"``, lists of texts and of configured objects, or mappings of names to
    parameters. A class of a notebook or a script runs in this process, one cell at a time. What references hold
    (`with_reference`: names, archives or stores) is not run, and stands beside it in the report. A cell that takes
    longer than `cell_timeout` ("30m", or seconds), or whose process takes more than `memory` ("8G", or bytes), is ended
    and has failed. Events (see `albench.running.work.perform`) go to `on_event` as they come. Raises RequestError when
    the request is wrong; failed cells are in the outcome.
    """
    request = Request(study, preset, strategies, scenarios, protocol, learner, network, seeds, rounds, dict(set or {}))
    with data_settings(data, offline):
        planned = plan(request, store, retry_failed, with_reference)
        check_data(planned.study.scenarios, data)
        engine = build_executor(executor, jobs, planned.study)
        return perform(planned, engine, device, threads, [], on_event, report, Limits.of(cell_timeout, memory))


def perform(
    planned: Plan,
    engine: Executor,
    device: str | None,
    threads: int,
    command: Sequence[str],
    on_event: Callable[[Event], None] | None = None,
    report: bool = True,
    limits: Limits = UNLIMITED,
) -> Outcome:
    """Run what a plan lacks and write the report; see `run`."""
    opened, tasks = _begun(planned, engine, device, threads, command, limits)
    opened.clear([cell for cell, one in zip(planned.cells, planned.statuses, strict=True) if one.status == "done"])
    if tasks:
        study = planned.study
        give_to(engine, tasks, planned.pending(), opened, study.asked, study.rounds, on_event)
    outcome = Outcome(planned.store, opened.statuses_of(planned.cells, planned.study.rounds))
    outcome.references = [reference.path for reference in planned.references]
    outcome.problems += planned.problems
    if opened.is_cancelled():
        outcome.problems.append(f"cancelled ('albench cancel {planned.store}'); the same command goes on from there")
    if report:
        try:
            outcome.report = write_report([planned.store], beside=outcome.references)
        except Exception as error:  # noqa: BLE001 - a report that fails must not cost what the cells have earned
            outcome.problems.append(f"the report could not be written: {why(error)}")
    return outcome


def submit(
    planned: Plan,
    engine: Executor,
    device: str | None,
    threads: int,
    command: Sequence[str],
    limits: Limits = UNLIMITED,
) -> int:
    """Give an engine what a plan lacks, and return how many cells; they go on when this process ends. RequestError."""
    if not engine.outlives:
        raise RequestError(
            "--detach: this executor ends with the command; choose one that goes on, such as dask[address=...] or slurm"
        )
    _, tasks = _begun(planned, engine, device, threads, command, limits)
    if tasks:
        engine.submit(tasks)
    return len(tasks)


def cancel(store: str | Path) -> list[CellStatus]:
    """Stop a study, whoever runs it and wherever, and return its cells that are not done.

    Workers end in seconds; what they had finished is kept, and another run goes on from there.
    """
    opened = open_store(Path(store))
    if not isinstance(opened, Store):
        raise RequestError(f"{store} is an archive, and nobody works in it; give the folder of a run")
    left = [status for status in opened.statuses() if status.status != "done"]
    if not left:
        return []
    opened.cancel()
    for name in host().names("executors"):
        with suppress(RequestError):  # of a plugin that cannot be imported: nothing runs on it from here
            host().build("executors", name, {}).withdraw(opened.root.resolve())
    return left


def _begun(
    planned: Plan, engine: Executor, device: str | None, threads: int, command: Sequence[str], limits: Limits
) -> tuple[Store, list[dict[str, Any]]]:
    """Check what can be checked, register the study, and return its store and the tasks of its pending cells."""
    chosen, product = check_device(device), chosen_product()
    check_threads(threads)
    _check_learners(planned.study, chosen)
    limits.check(engine)
    engine.check()
    planned.takes_running = engine.remote
    opened, study = Store(planned.store), planned.study
    _register(opened, planned, command)
    for reference in planned.references:
        held = [copy for copy in planned.held.values() if copy.store is reference.store]
        planned.problems += [*give(reference, held, planned.pending(), opened), *differences(reference, planned.cells)]
    tasks = [
        Work.of(
            planned.store, cell, study.asked, study.rounds, chosen, threads, product, command, engine.remote, limits
        ).to_json()
        for cell in planned.pending()
    ]
    return opened, tasks


def build_executor(text: str, jobs: int | None, study: Study | None = None) -> Executor:
    """Return the executor; `jobs` is a parameter of its own that has an option.

    A study with classes that only this process knows runs here; RequestError when something else was asked for.
    """
    here = [choice.label for choice in study.choices if choice.source == HERE] if study else []
    if here:
        from albench.executors.here import Here

        if text != "local" or jobs not in (None, 1):
            raise RequestError(
                f"{here[0]} is known to this process alone, so its cells run here, one at a time; leave out executor "
                "and jobs, or put the class into a file"
            )
        return Here()
    engine: Executor = host().configure("executors", text, {"jobs": jobs} if jobs is not None else {})
    return engine


def _check_learners(study: Study, device: str) -> None:
    """Raise RequestError for a learner that cannot train on a device."""
    for learner in {setting.learner.label: setting.learner for setting in study.settings}.values():
        try:
            learner.build().check_device(device)
        except Exception as error:
            raise RequestError(f"{learner.label} cannot train on {device}: {why(error)}") from error


def _usable(root: Path) -> Path:
    """Return the folder of a store, or raise RequestError for a path that no file system takes."""
    for part in root.parts:
        if len(os.fsencode(part)) > LONGEST_PART or "\0" in part:
            raise RequestError(f"--store: {shown(part)} cannot name a folder; give a shorter name")
    return root


def _register(store: Store, planned: Plan, command: Sequence[str]) -> None:
    study = planned.study
    try:
        store.register(study.name, study.preset, planned.cells, study.rounds, command)
    except (OSError, WriteError) as error:
        raise StoreError(f"{store.root} cannot be used: {why(error)}; or choose another folder with --store") from None
