"""What the command line calls, and Python users call as well."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.cell import CellStatus
from albench.contracts.executor import Event, Executor
from albench.datadir import DATA, OFFLINE
from albench.errors import RequestError, StoreError, WriteError
from albench.errors import reason as why
from albench.plugins import host
from albench.spec import CellSpec
from albench.store import Store
from albench.study import Request, Seeds, Study, Survey, read_study
from albench.work import Task, cell_name

if TYPE_CHECKING:
    import pandas as pd

EXIT_OK, EXIT_CELLS, EXIT_REQUEST, EXIT_INTERRUPTED = 0, 1, 2, 130


@dataclass
class Plan:
    """A study's cells, where each stands in the store, and which of them a run would perform."""

    study: Study
    store: Path
    cells: list[CellSpec]
    statuses: list[CellStatus]
    surveys: Mapping[tuple[str, int], Survey]
    retry_failed: bool

    def rounds(self, cell: CellSpec) -> int:
        """Return how many rounds a cell will have, round 0 left out."""
        most = self.surveys[cell.scenario.label, cell.seed].most_rounds
        return most if cell.protocol.rounds is None else min(most, cell.protocol.rounds)

    def pending(self) -> list[CellSpec]:
        """Return the cells to run: those missing, and the failed ones when they are to be tried again."""
        wanted = {"missing", "failed"} if self.retry_failed else {"missing"}
        return [cell for cell, status in zip(self.cells, self.statuses, strict=True) if status.status in wanted]


@dataclass
class Outcome:
    """What came of a run: the store, where each cell of the study stands, and the report's path."""

    store: Path
    statuses: list[CellStatus]
    report: Path | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when every cell of the study is done, else 1."""
        return EXIT_OK if all(status.status == "done" for status in self.statuses) else EXIT_CELLS

    def rounds(self) -> pd.DataFrame:
        """Return the store's results, one row a round."""
        return load(self.store)


def load(store: str | Path, unfinished: bool = False) -> pd.DataFrame:
    """Return a store's results as a DataFrame, one row a round; see `albench.results.load`."""
    from albench import results

    return results.load(store, unfinished)


def plan(request: Request, store: str | Path | None = None, retry_failed: bool = False) -> Plan:
    """Return what a run would do; everything that can be checked before the first cell is checked here.

    Raises RequestError, absent or damaged data included.
    """
    study = read_study(request)
    root = Path(store) if store is not None else Path("runs") / study.name
    surveys = study.survey()
    cells = study.cells(surveys)
    opened = Store(root)
    opened.check_same_study(cells)
    statuses = [CellStatus(**cell_name(cell), **_status(opened, cell)) for cell in cells]
    return Plan(study, root, cells, statuses, surveys, retry_failed)


def run(
    study: str | Path | None = None,
    *,
    strategies: str | Sequence[str] | None = None,
    scenarios: str | Sequence[str] | None = None,
    network: str | None = None,
    preset: str | None = None,
    seeds: Seeds | None = None,
    protocol: Mapping[str, Any] | None = None,
    data: str | Path | None = None,
    offline: bool = False,
    device: str | None = None,
    threads: int = 1,
    jobs: int | None = None,
    executor: str = "local",
    store: str | Path | None = None,
    retry_failed: bool = False,
    report: bool = True,
    on_event: Callable[[Event], None] | None = None,
) -> Outcome:
    """Run a study, or what is missing of it, and write its report.

    `study` is a TOML file; what else is given wins over it, as on the command line. Events (see
    `albench.work.perform`) go to `on_event` as they come. Raises RequestError when the request is wrong; failed
    cells are in the outcome.
    """
    request = Request(study, preset, strategies, scenarios, network, seeds, protocol)
    with data_settings(data, offline):
        planned = plan(request, store, retry_failed)
        engine = build_executor(executor, jobs)
        return perform(planned, engine, device, threads, [], on_event, report)


def perform(
    planned: Plan,
    engine: Executor,
    device: str | None,
    threads: int,
    command: Sequence[str],
    on_event: Callable[[Event], None] | None = None,
    report: bool = True,
) -> Outcome:
    """Run what a plan lacks and write the report; see `run`."""
    chosen = check_device(device)
    if threads < 1:
        raise RequestError(f"threads={threads}; give 1 or more")
    opened = Store(planned.store)
    _register(opened, planned, command)
    pending = planned.pending()
    by_name = {tuple(cell_name(cell).values()): cell for cell in pending}

    def note(event: Event) -> None:
        if event["event"] == "died":
            cell = by_name[tuple(event["cell"].values())]
            event = {**event, "event": "failed"}
            with suppress(WriteError):  # then the cell counts as interrupted, which it is
                opened.cell_of(cell).fail(cell, event["reason"])
        if on_event:
            on_event(event)

    tasks = [
        Task(str(planned.store.resolve()), cell.to_json(), chosen, threads, list(command)).to_json() for cell in pending
    ]
    if tasks:
        engine.run(tasks, note)
    statuses = [CellStatus(**cell_name(cell), **_status(opened, cell)) for cell in planned.cells]
    outcome = Outcome(planned.store, statuses)
    if report:
        try:
            outcome.report = write_report(planned.store)
        except Exception as error:  # noqa: BLE001 - a report that fails must not cost what the cells have earned
            outcome.problems.append(f"the report could not be written: {why(error)}")
    return outcome


def write_report(
    stores: str | Path | Sequence[str | Path],
    path: str | Path | None = None,
    format_name: str = "html",
    reference: str | None = None,
    benchmarks: str | Path | None = None,
) -> Path | None:
    """Write the report of one or several stores; None when no plugin offers it, which a warning of the host explains.

    `reference` is the strategy that others are compared with, `benchmarks` a JSON file of pytest-benchmark to show.
    Without a path the report goes into the store. Raises StoreError for stores that cannot be merged.
    """
    from albench.results import collect

    if format_name == "html" and "html" not in host().names("report-formats"):
        return None
    several = [stores] if isinstance(stores, (str, Path)) else list(stores)
    if path is None and len(several) > 1:
        raise RequestError("several stores have no common folder; say where the report goes with --output")
    writer = host().configure("report-formats", format_name)
    target = Path(path) if path is not None else Path(several[0]) / f"report{writer.suffix}"
    results = collect(*several, reference=reference, benchmarks=benchmarks)
    try:
        written: Path = writer.write(results, target)
    except (OSError, WriteError) as error:
        raise RequestError(f"the report cannot be written to {target} ({error}); give another with --output") from None
    return written


def check_device(device: str | None) -> str:
    """Return the device to use: as asked, else CUDA when there is one; RequestError for one that is not there."""
    import torch

    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise RequestError(f"the device {device!r} cannot be used ({first}); try --device cpu") from None
    return device


def build_executor(text: str, jobs: int | None) -> Executor:
    """Return the executor; `jobs` is a parameter of its own that has an option."""
    engine: Executor = host().configure("executors", text, {"jobs": jobs} if jobs is not None else {})
    return engine


@contextmanager
def data_settings(data: str | Path | None, offline: bool) -> Iterator[None]:
    """Set where data are looked for, for this process and its workers, for the length of a block."""
    wanted = {
        DATA: str(Path(data).resolve()) if data is not None else None,
        OFFLINE: "1" if offline else None,
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _register(store: Store, planned: Plan, command: Sequence[str]) -> None:
    try:
        store.register(planned.study.name, planned.study.preset, planned.cells, command)
    except (OSError, WriteError) as error:
        raise StoreError(f"{store.root} cannot be used: {why(error)}; or choose another folder with --store") from None


def _status(store: Store, cell: CellSpec) -> dict[str, Any]:
    status, reason, rounds = store.cell_of(cell).status(cell.protocol.rounds)
    return {"status": status, "reason": reason, "rounds": rounds}
