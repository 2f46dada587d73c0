"""The contract of an executor: it gets JSON specifications and nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from albench.contracts.component import Component

Task = Mapping[str, Any]
Event = Mapping[str, Any]
Emit = Callable[[Event], None]


@dataclass(frozen=True)
class Executor(Component):
    """Runs the cells of a study somewhere.

    A task is a JSON mapping; `albench.perform(task, emit)` runs it wherever it lands, finds the plugins itself and
    writes its own cell, so that nothing depends on the engine. Of a task's entries an executor needs `name`, which
    names its cell in events, `log`, the file that takes what the cell prints, and `device` and `threads`.
    """

    @abstractmethod
    def run(self, tasks: Sequence[Task], emit: Emit) -> None:
        """Perform every task once and pass its events on.

        A task whose worker dies is emitted as ``{"event": "died", "cell": ..., "reason": ...}``, which records its
        failure; `cell` is the task's `name`.

        KeyboardInterrupt passes through once the workers are stopped.
        """
