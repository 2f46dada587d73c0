"""Performing one cell, wherever it lands: find the plugins, claim, resume, run, record."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from albench.contracts.executor import Emit
from albench.errors import HeldError, reason
from albench.plugins import host
from albench.spec import CellSpec
from albench.store import CellFolder, Store


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
        folder.path.mkdir(parents=True, exist_ok=True)
        from albench.claims import claimed

        with claimed(folder.claim, str(spec)):
            _perform_claimed(work, spec, folder, emit)
    except HeldError as error:
        emit({"event": "held", "cell": cell, "reason": reason(error)})
    except OSError as error:
        message = f"{folder.path} cannot be written ({error}); free space or permit writing, and run again"
        emit({"event": "failed", "cell": cell, "reason": message})


def cell_name(spec: CellSpec) -> dict[str, Any]:
    """Return what names a cell in events and statuses."""
    return {"scenario": spec.scenario.label, "strategy": spec.strategy.label, "seed": spec.seed}


def _perform_claimed(work: Task, spec: CellSpec, folder: CellFolder, emit: Emit) -> None:
    cell = cell_name(spec)
    try:
        exhausted = _discover(work, spec, folder, emit)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a cell's failure is recorded, whatever it is
        message = reason(error)
        _log(folder, traceback.format_exc())
        folder.fail(spec, message)
        emit({"event": "failed", "cell": cell, "reason": message})
    else:
        folder.write_info(status="done", error=None, exhausted=exhausted)
        emit({"event": "done", "cell": cell})


def _discover(work: Task, spec: CellSpec, folder: CellFolder, emit: Emit) -> bool:
    from albench.discovery import Discovery
    from albench.initial import load_initial, new_learner

    prepare_torch(work.device, work.threads)
    split = spec.scenario.build().split(spec.seed).check()
    checkpoint = folder.restore()
    folder.write_info(
        key=spec.key,
        spec=spec.to_json(),
        status="running",
        error=None,
        exhausted=False,
        provenance=_provenance(work, spec),
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
        for problem in host().round_recorded(spec.to_json(), row):
            _log(folder, f"warning: {problem}\n")
        emit({"event": "round", "cell": cell_name(spec), "row": row})

    exhausted = discovery.run(save, initial_seconds)
    folder.write_outcome(discovery.outcome())
    return exhausted


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
    with folder.log.open("a", encoding="utf-8") as file:
        file.write(text)
