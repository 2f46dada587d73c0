"""The contract of an executor: it gets JSON specifications and nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from albench.components import Component

Task = Mapping[str, Any]
Event = Mapping[str, Any]
Emit = Callable[[Event], None]


@dataclass(frozen=True)
class Executor(Component):
    """Runs the cells of a study somewhere.

    A task is the JSON form of `albench.work.Task`; `albench.work.perform(task, emit)` runs it wherever it lands, finds
    the plugins itself and writes its own cell, so that nothing depends on the engine.
    """

    @abstractmethod
    def run(self, tasks: Sequence[Task], emit: Emit) -> None:
        """Perform every task once and pass its events on.

        A task whose worker dies is emitted as ``{"event": "died", "cell": ..., "reason": ...}``, which records its
        failure; `cell` is what `albench.work.cell_name` returns.

        KeyboardInterrupt passes through once the workers are stopped.
        """
