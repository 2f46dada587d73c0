"""Where the processor time of a run goes: `python -m benchmarks.harness ROUNDS` prints it as JSON, phase by phase.

The preset `lite` on CIFAR-100, one seed of its two cheapest strategies, all in one process: beside dearer queries the
harness's share is smaller. Exit code 3 where the data are not here.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STRATEGIES = "min,random"
START = "harness: start of the process, imports"
OTHER = "harness: the rest"


@dataclass
class Phases:
    """Processor seconds by phase; what runs inside another phase is taken off that one."""

    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _stack: list[str] = field(default_factory=list)
    _since: float = 0.0

    def enter(self, phase: str) -> None:
        self._book()
        self._stack.append(phase)

    def leave(self) -> None:
        self._book()
        self._stack.pop()

    def _book(self) -> None:
        now = time.process_time()
        self.spent[self._stack[-1] if self._stack else START] += now - self._since
        self._since = now

    def of(self, holder: Any, name: str, phase: str) -> None:
        """Let calls of a function or method, or the entering and leaving of a block, count to a phase."""
        original: Callable[..., Any] = getattr(holder, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.enter(phase)
            try:
                found = original(*args, **kwargs)
            finally:
                self.leave()
            return _Counted(found, self, phase) if hasattr(found, "__exit__") else found

        setattr(holder, name, counted)


@dataclass
class _Counted(AbstractContextManager[Any]):
    """A block whose own entering and leaving count to a phase, and what is inside does not."""

    block: Any
    phases: Phases
    phase: str

    def __enter__(self) -> Any:
        self.phases.enter(self.phase)
        try:
            return self.block.__enter__()
        finally:
            self.phases.leave()

    def __exit__(self, *error: Any) -> Any:
        self.phases.enter(self.phase)
        try:
            return self.block.__exit__(*error)
        finally:
            self.phases.leave()


def watch(phases: Phases) -> None:
    """Name the phases of a run."""
    from albench import api
    from albench.protocols.discovery import Discovery
    from albench.running import asking, loop, work
    from albench.store.cell import OwnedCell
    from albench.training import engine, finetune, model

    named: dict[str, list[tuple[Any, str]]] = {
        "training": [(engine, "execute")],
        "forward passes over the test set": [(model.Model, "predict")],
        "queries": [(Discovery, "choose")],
        "harness: planning": [(api, "plan")],
        "harness: the report": [(api, "write_report")],
        "harness: reading and proving the data": [(work, "proved_split")],
        "harness: building the network": [(model.Model, "__init__")],
        "harness: preparing inputs": [(model.Model, "prepare")],
        "harness: what a query is given": [(model.Model, "snapshot"), (loop.Loop, "query")],
        "harness: candidate sets": [(Discovery, "sets")],
        "harness: index plans": [(finetune, "uniform_rows"), (finetune, "mixed_rows"), (finetune.Finetune, "plan")],
        "harness: looks at the loss": [(engine, "_check_finite")],
        "harness: checkpoints and rows": [(OwnedCell, name) for name in ("save", "write_record", "write_outcome")],
        "harness: guards": [
            *((loop, "held_to_streams"), (loop, "Measurement"), (asking, "untouched"), (asking, "Measurement")),
            *((model, "held_to_draws"), (model, "held_still")),
        ],
    }
    for phase, places in named.items():
        for holder, name in places:
            phases.of(holder, name, phase)


def run(rounds: int, folder: Path) -> tuple[int, Phases]:
    """Run the cells in this process, and return how many there were and where the time went."""
    import torch

    torch.set_num_threads(1)
    phases = Phases()
    import albench.api as api
    from albench.executors.here import Here
    from albench.study.study import Request

    watch(phases)
    phases.enter(OTHER)
    planned = api.plan(Request(preset="lite", strategies=STRATEGIES, seeds=1, rounds=rounds), folder / "store")
    outcome = api.perform(planned, Here(), "cpu", 1, [])
    phases.leave()
    if outcome.exit_code or outcome.problems:
        raise RuntimeError(f"the run failed: {outcome.problems or [one.reason for one in outcome.statuses]}")
    return len(planned.cells), phases


def main() -> None:
    from albench.errors import DataError, RequestError

    rounds = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        try:
            cells, phases = run(rounds, Path(folder))
        except (DataError, RequestError) as error:
            print(error, file=sys.stderr)
            sys.exit(3)
    print(json.dumps({"cells": cells, "rounds": rounds, "phases": dict(phases.spent)}))


if __name__ == "__main__":
    main()
