"""Performing one cell, wherever it lands: find the plugins, claim, resume, run, record."""

from __future__ import annotations

import copy
import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.cell import CellFolder
from albench.claims import claimed
from albench.contracts.executor import Emit
from albench.errors import DataError, HeldError, WriteError, reason
from albench.files import appending
from albench.plugins import host
from albench.provenance import now
from albench.spec import CellSpec
from albench.store import Store

if TYPE_CHECKING:
    from albench.contracts.scenario import Scenario, Split


@dataclass(frozen=True)
class Task:
    """A cell to perform, and how: everything in it goes through JSON."""

    store: str
    cell: dict[str, Any]
    device: str = "cpu"
    threads: int = 1
    command: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the task as plain values."""
        return asdict(self)


def perform(task: Mapping[str, Any], emit: Emit) -> None:
    """Perform a task and emit its events; whatever goes wrong is recorded with the cell and emitted.

    Events are mappings with `event` (``round``, ``done``, ``failed``, ``held``), `cell` (scenario, strategy, seed) and
    `row` or `reason`.
    """
    work = Task(**task)
    spec = CellSpec.from_json(work.cell)
    folder = Store(Path(work.store)).cell_of(spec)
    cell = cell_name(spec)
    try:
        with claimed(folder.claim, str(spec)):
            _perform_claimed(work, spec, folder, emit)
    except HeldError as error:
        emit({"event": "held", "cell": cell, "reason": reason(error)})
    except WriteError as error:  # which cannot be recorded either
        emit({"event": "failed", "cell": cell, "reason": reason(error)})


def cell_name(spec: CellSpec) -> dict[str, Any]:
    """Return what names a cell in events and statuses."""
    return {"scenario": spec.scenario.label, "strategy": spec.strategy.label, "seed": spec.seed}


def _perform_claimed(work: Task, spec: CellSpec, folder: CellFolder, emit: Emit) -> None:
    cell = cell_name(spec)
    try:
        exhausted = _discover(work, spec, folder, emit)
    except WriteError:
        raise
    except Exception as error:  # noqa: BLE001 - a cell's failure is recorded, whatever it is
        message = reason(error)
        _log(folder, traceback.format_exc())
        folder.fail(spec, message)
        emit({"event": "failed", "cell": cell, "reason": message})
    else:
        ended = {**folder.info()["provenance"], "end": now()}
        folder.write_info(status="done", error=None, exhausted=exhausted, provenance=ended)
        emit({"event": "done", "cell": cell})


def _discover(work: Task, spec: CellSpec, folder: CellFolder, emit: Emit) -> bool:
    from albench.discovery import Discovery
    from albench.initial import load_initial, new_learner

    prepare_torch(work.device, work.threads)
    split = _split(spec)
    checkpoint = folder.restore()
    rounds_kept = len(checkpoint.rows) if checkpoint else 0
    folder.write_info(
        key=spec.key,
        spec=spec.to_json(),
        status="running",
        error=None,
        exhausted=False,
        earlier_sessions=_earlier_sessions(folder, rounds_kept),
        provenance={**_provenance(work, spec), "first_round": rounds_kept},
    )
    discovery = Discovery(spec, split, spec.strategy.build(), new_learner(spec, split, work.device))
    initial_seconds = 0.0
    if checkpoint:
        discovery.resume(checkpoint)
    else:
        initial_seconds, digest = load_initial(Store(Path(work.store)), spec, split, discovery.learner)
        folder.write_info(initial_sha256=digest)

    def save(state: Discovery) -> None:
        folder.save(state.checkpoint())
        row = state.rows[-1]
        for problem in host().round_recorded(spec.to_json(), copy.deepcopy(row)):
            _log(folder, f"warning: {problem}\n")
        emit({"event": "round", "cell": cell_name(spec), "row": row})

    exhausted = discovery.run(save, initial_seconds)
    folder.write_outcome(discovery.outcome())
    return exhausted


def _split(spec: CellSpec) -> Split:
    """Return the cell's data; DataError when they are not those that its key was made from."""
    scenario: Scenario = spec.scenario.build()
    split = scenario.split(spec.seed).check()
    if scenario.fingerprint(spec.seed) != spec.fingerprint:
        raise DataError(
            f"the data of {spec.scenario.label} that are here are not those that the run was planned with; "
            "give every worker the same data"
        )
    return split


def _earlier_sessions(folder: CellFolder, rounds_kept: int) -> list[dict[str, Any]]:
    """Return the provenance of what ran before, so that a cell of mixed hardware or versions can be told."""
    info = folder.info()
    if rounds_kept == 0 or "provenance" not in info:
        return []
    return [*info.get("earlier_sessions", []), info["provenance"]]


def prepare_torch(device: str, threads: int) -> None:
    """Set what a result's bits depend on: threads on the CPU, deterministic algorithms on a GPU."""
    import torch

    torch.set_num_threads(threads)
    if device.startswith("cuda"):
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True)


def _provenance(work: Task, spec: CellSpec) -> dict[str, Any]:
    from albench.provenance import provenance

    choices = (spec.scenario, spec.strategy, spec.network)
    owners = [host().entry(choice.kind, choice.name).plugin.distribution for choice in choices]
    return provenance(work.device, work.threads, list(work.command), owners)


def _log(folder: CellFolder, text: str) -> None:
    with appending(folder.log) as file:
        file.write(text)
