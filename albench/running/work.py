"""Performing one cell, wherever it lands: find the plugins, claim, resume, run, record."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.contracts.executor import Emit
from albench.datadir import data_settings, given_data, is_offline
from albench.errors import MOST_TEXT, DamageError, HeldError, RequestError, WriteError, cut, reason, shown
from albench.plugins.host import host
from albench.products.choice import PLAIN, asked
from albench.running.limits import UNLIMITED, Limits
from albench.running.luggage import check_harness, check_plugins, choices, distributions, sources, unpacked
from albench.running.provenance import now
from albench.store.cell import OwnedCell
from albench.store.store import Store, columns_of
from albench.study.spec import CellSpec
from albench.study.survey import proved_split

if TYPE_CHECKING:
    from albench.contracts.scenario import Split
    from albench.running.loop import Loop
    from albench.training.model import Watch

MOST_NOTES = 100  # that a scenario has of its data
MOST_TRACEBACK = 20_000  # characters of a traceback in a cell's log
PLANNED = "the run was planned with; give every worker the same data"


@dataclass(frozen=True)
class Work:
    """A cell to perform, and how: everything in it goes through JSON.

    `name` is what names the cell in events, and `log` the file that takes what it prints. `study` is what the cell
    remembers of its study, name and preset; `product` the one that the study was planned with, and whether it was
    asked for (`albench.products.choice`). A worker must have the `distributions` of these versions. Where it is
    elsewhere, `sources` has the text of components from files, by their paths. `data` is the folder that was given, for
    workers whose environment names none. `cell_timeout` (seconds) and `memory` (bytes) are what it may take.
    """

    store: str
    cell: dict[str, Any]
    name: dict[str, Any]
    log: str
    study: dict[str, str]
    rounds: int | None = None
    device: str = "cpu"
    threads: int = 1
    product: str = PLAIN
    product_is_asked: bool = False
    command: Sequence[str] = ()
    distributions: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    data: str | None = None
    offline: bool = False
    cell_timeout: float | None = None
    memory: int | None = None

    @classmethod
    def of(
        cls, store: Path, spec: CellSpec, study: Mapping[str, str], rounds: int | None, device: str, threads: int,
        product: str, command: Any, remote: bool = False, limits: Limits = UNLIMITED,
    ) -> Work:  # fmt: skip
        """Return the task of a cell in a store, `remote` where its worker may see no file of this machine."""
        root, data = store.resolve(), given_data()
        log = str(Store(root).cell_of(spec).log)
        return cls(
            str(root), spec.to_json(), spec.name, log, dict(study), rounds, device, threads,
            product, asked() is not None, list(command), distributions(spec), sources(spec) if remote else {},
            None if data is None else str(data), is_offline(), **vars(limits),
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return the task as plain values."""
        return dict(vars(self))


def perform(task: Mapping[str, Any], emit: Emit) -> None:
    """Perform a task and emit its events; whatever goes wrong is recorded with the cell and emitted.

    Events are mappings with `event` (``round``, ``training``, ``done``, ``failed``, ``held``), `cell` (the task's name)
    and `row` or `reason`. ``training`` tells of a long one: `what`, and `iteration` of `iterations`.
    """
    try:
        check_harness(task["distributions"])
        work = Work(**task)
        spec = CellSpec.from_json(unpacked(work.cell, work.sources))
        with (
            data_settings(given_data() or work.data, work.offline),
            Store(Path(work.store)).cell_of(spec).owned(spec) as cell,
        ):
            _perform_owned(work, spec, cell, emit)
    except HeldError as error:
        emit({"event": "held", "cell": task["name"], "reason": reason(error)})
    except (WriteError, RequestError) as error:  # which cannot be recorded either
        emit({"event": "failed", "cell": task["name"], "reason": reason(error)})


def _exit_in_words(error: SystemExit) -> str:
    """Return what sys.exit was called with."""
    code = "" if error.code is None else shown(error.code)
    return f"it called sys.exit({code}); raise an error that says what is wrong"


def request_of(study: Mapping[str, str], spec: CellSpec, rounds: int | None) -> dict[str, Any]:
    """Return what a cell remembers of the study that asked for it, so that a lost study can be put together."""
    return {**study, "rounds": rounds, "columns": columns_of(spec.setting)}


def _perform_owned(work: Work, spec: CellSpec, cell: OwnedCell, emit: Emit) -> None:
    found = Store(Path(work.store)).snapshot({**spec.name, "key": spec.key})
    if found.is_done(work.rounds) and found.record["status"] == "done":  # by another run, since this one was planned
        emit({"event": "done", "cell": work.name})
        return
    try:
        rounds, exhausted = _run(work, spec, cell, emit)
    except (WriteError, HeldError):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a cell's failure is recorded, whatever it is
        message = _exit_in_words(error) if isinstance(error, SystemExit) else reason(error)
        status = "damaged" if isinstance(error, DamageError) else "failed"
        cell.lease.check()
        cell.log(cut(traceback.format_exc(), MOST_TRACEBACK))
        cell.fail(spec, _request(work, spec), message, status)
        emit({"event": "failed", "cell": work.name, "reason": message})
    else:
        ended = {**cell.record().get("provenance", {}), "end": now()}
        done = {"status": "done", "error": None, "rounds": rounds, "exhausted": exhausted, "provenance": ended}
        cell.write_record(spec=spec.stored(), request=_request(work, spec), **done)
        emit({"event": "done", "cell": work.name})


def _run(work: Work, spec: CellSpec, cell: OwnedCell, emit: Emit) -> tuple[int, bool]:
    """Run the rounds that a cell lacks; return how many it has, and whether its pool is exhausted."""
    from albench.products.matmul import usable
    from albench.running.initial import load_initial, new_model
    from albench.running.loop import Loop
    from albench.running.mode import prepare_torch

    check_plugins(spec, work.distributions)
    spec.setting.learner.build().check_device(work.device)
    split = proved_split(spec.setting.scenario, spec.seed, {spec.fingerprint}, PLANNED)
    checkpoint = cell.restore()
    rounds_kept = len(checkpoint.rows) if checkpoint else 0
    product = usable(_product(work, cell, rounds_kept))
    prepare_torch(work.device, work.threads, product)
    _record_start(work, spec, cell, {**_provenance(work, spec, product), **_noted(split), "first_round": rounds_kept})
    loop = Loop(spec, split, new_model(spec, split, work.device, _watch(work, emit)))
    initial_seconds = 0.0
    if checkpoint:
        loop.resume(checkpoint)
    else:
        initial_seconds, digest = load_initial(Store(Path(work.store)), spec, split, loop.model)
        cell.write_record(initial_sha256=digest)

    def save(state: Loop) -> None:
        cell.save(state.checkpoint())
        row = state.rows[-1]
        for problem in host().round_recorded(spec.to_json(), copy.deepcopy(row)):
            cell.log(f"warning: {problem}\n")
        emit({"event": "round", "cell": work.name, "row": row})

    exhausted = loop.run(work.rounds, save, initial_seconds)
    cell.write_outcome(loop.outcome())
    return len(loop.rows) - 1, exhausted


def _record_start(work: Work, spec: CellSpec, cell: OwnedCell, provenance: Mapping[str, Any]) -> None:
    cell.write_record(
        spec=spec.stored(),
        request=_request(work, spec),
        status="running",
        error=None,
        exhausted=False,
        earlier_sessions=_earlier_sessions(cell, provenance["first_round"]),
        provenance=provenance,
    )


def _request(work: Work, spec: CellSpec) -> dict[str, Any]:
    return request_of(work.study, spec, work.rounds)


def _watch(work: Work, emit: Emit) -> Watch:
    """Return what tells of trainings that take long."""
    from albench.running.watching import seldom

    def tell(what: str, done: int, total: int) -> None:
        emit({"event": "training", "cell": work.name, "what": what, "iteration": done, "iterations": total})

    return seldom(tell)


def _earlier_sessions(cell: OwnedCell, rounds_kept: int) -> list[dict[str, Any]]:
    """Return the provenance of what ran before, so that a cell of mixed hardware or versions can be told."""
    record = cell.record()
    if rounds_kept == 0 or "provenance" not in record:
        return []
    return [*record.get("earlier_sessions", []), record["provenance"]]


def _product(work: Work, cell: OwnedCell, rounds_kept: int) -> str:
    """Return the product of a cell: the study's, and of a resumed cell the one that it began with, unless asked for."""
    if rounds_kept == 0 or work.product_is_asked:
        return work.product
    return str(cell.record().get("provenance", {}).get("product", PLAIN))


def _noted(split: Split) -> dict[str, Any]:
    """Return what the scenario notes of its data, nothing where it notes nothing."""
    notes = [cut(str(note), MOST_TEXT) for note in split.notes[:MOST_NOTES]]
    return {"data_notes": notes} if notes else {}


def _provenance(work: Work, spec: CellSpec, product: str) -> dict[str, Any]:
    from albench.running.provenance import provenance

    owners = [name for choice in choices(spec) for name in choice.distributions()]
    return provenance(work.device, work.threads, product, list(work.command), owners)
