"""Performing one cell, wherever it lands: find the plugins, claim, resume, run, record."""

from __future__ import annotations

import copy
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.contracts.executor import Emit
from albench.errors import HeldError, WriteError, reason
from albench.plugins.host import host
from albench.running.provenance import now
from albench.store.cell import CellFolder
from albench.store.claims import claimed
from albench.store.files import appending
from albench.store.store import Store
from albench.study.spec import CellSpec
from albench.study.survey import proved_split

if TYPE_CHECKING:
    from albench.running.loop import Loop
    from albench.training.model import Watch

SILENT_SECONDS = 10.0  # of a training, after which its progress is told, again and again
PLANNED = "the run was planned with; give every worker the same data"


@dataclass(frozen=True)
class Work:
    """A cell to perform, and how: everything in it goes through JSON.

    `name` is what names the cell in events, and `log` the file that takes what it prints: an executor needs no more.
    """

    store: str
    cell: dict[str, Any]
    name: dict[str, Any]
    log: str
    rounds: int | None = None
    device: str = "cpu"
    threads: int = 1
    command: Sequence[str] = ()

    @classmethod
    def of(cls, store: Path, spec: CellSpec, rounds: int | None, device: str, threads: int, command: Any) -> Work:
        """Return the task of a cell in a store."""
        root = store.resolve()
        log = str(Store(root).cell_of(spec).log)
        return cls(str(root), spec.to_json(), spec.name, log, rounds, device, threads, list(command))

    def to_json(self) -> dict[str, Any]:
        """Return the task as plain values."""
        return asdict(self)


def perform(task: Mapping[str, Any], emit: Emit) -> None:
    """Perform a task and emit its events; whatever goes wrong is recorded with the cell and emitted.

    Events are mappings with `event` (``round``, ``training``, ``done``, ``failed``, ``held``), `cell` (the task's name)
    and `row` or `reason`. ``training`` tells of a long one: `what`, and `iteration` of `iterations`.
    """
    work = Work(**task)
    spec = CellSpec.from_json(work.cell)
    folder = Store(Path(work.store)).cell_of(spec)
    try:
        with claimed(folder.claim, str(spec)):
            _perform_claimed(work, spec, folder, emit)
    except HeldError as error:
        emit({"event": "held", "cell": work.name, "reason": reason(error)})
    except WriteError as error:  # which cannot be recorded either
        emit({"event": "failed", "cell": work.name, "reason": reason(error)})


def _perform_claimed(work: Work, spec: CellSpec, folder: CellFolder, emit: Emit) -> None:
    try:
        exhausted = _run(work, spec, folder, emit)
    except WriteError:
        raise
    except Exception as error:  # noqa: BLE001 - a cell's failure is recorded, whatever it is
        message = reason(error)
        _log(folder, traceback.format_exc())
        folder.fail(spec, message)
        emit({"event": "failed", "cell": work.name, "reason": message})
    else:
        ended = {**folder.info()["provenance"], "end": now()}
        folder.write_info(status="done", error=None, exhausted=exhausted, provenance=ended)
        emit({"event": "done", "cell": work.name})


def _run(work: Work, spec: CellSpec, folder: CellFolder, emit: Emit) -> bool:
    from albench.running.initial import load_initial, new_model
    from albench.running.loop import Loop
    from albench.running.mode import prepare_torch

    prepare_torch(work.device, work.threads)
    spec.setting.learner.build().check_device(work.device)
    split = proved_split(spec.setting.scenario, spec.seed, {spec.fingerprint}, PLANNED)
    checkpoint = folder.restore()
    rounds_kept = len(checkpoint.rows) if checkpoint else 0
    folder.write_info(
        key=spec.key,
        spec=spec.stored(),
        status="running",
        error=None,
        exhausted=False,
        earlier_sessions=_earlier_sessions(folder, rounds_kept),
        provenance={**_provenance(work, spec), "first_round": rounds_kept},
    )
    loop = Loop(spec, split, new_model(spec, split, work.device, _watch(work, emit)))
    initial_seconds = 0.0
    if checkpoint:
        loop.resume(checkpoint)
    else:
        initial_seconds, digest = load_initial(Store(Path(work.store)), spec, split, loop.model)
        folder.write_info(initial_sha256=digest)

    def save(state: Loop) -> None:
        folder.save(state.checkpoint())
        row = state.rows[-1]
        for problem in host().round_recorded(spec.to_json(), copy.deepcopy(row)):
            _log(folder, f"warning: {problem}\n")
        emit({"event": "round", "cell": work.name, "row": row})

    exhausted = loop.run(work.rounds, save, initial_seconds)
    folder.write_outcome(loop.outcome())
    return exhausted


def _watch(work: Work, emit: Emit) -> Watch:
    """Return what tells of trainings that take long, at most once in SILENT_SECONDS."""
    told = time.monotonic()

    def watch(what: str, done: int, total: int) -> None:
        nonlocal told
        if done == 1:
            told = time.monotonic()
        elif done < total and time.monotonic() - told > SILENT_SECONDS:
            told = time.monotonic()
            emit({"event": "training", "cell": work.name, "what": what, "iteration": done, "iterations": total})

    return watch


def _earlier_sessions(folder: CellFolder, rounds_kept: int) -> list[dict[str, Any]]:
    """Return the provenance of what ran before, so that a cell of mixed hardware or versions can be told."""
    info = folder.info()
    if rounds_kept == 0 or "provenance" not in info:
        return []
    return [*info.get("earlier_sessions", []), info["provenance"]]


def _provenance(work: Work, spec: CellSpec) -> dict[str, Any]:
    from albench.running.provenance import provenance

    choices = [*spec.setting.parts().values(), spec.strategy]
    owners = [name for choice in choices for name in choice.distributions()]
    return provenance(work.device, work.threads, list(work.command), owners)


def _log(folder: CellFolder, text: str) -> None:
    with appending(folder.log) as file:
        file.write(text)
