"""The contract of an executor: it gets JSON specifications and nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from albench.contracts.component import Component

CANCELLED = "cancelled"  # the file of a store whose presence ends all work in it

Task = Mapping[str, Any]
Event = Mapping[str, Any]
Emit = Callable[[Event], None]


@dataclass(frozen=True)
class Executor(Component):
    """Runs the cells of a study somewhere.

    A task is a JSON mapping; `albench.perform(task, emit)` runs it wherever it lands, finds the plugins itself and
    writes its own cell, so that nothing depends on the engine. Of a task's entries an executor needs `name`, which
    names its cell in events, `log`, the file that takes what the cell prints, `device` and `threads`, and `store`, the
    folder that the tasks of a call share: an engine may keep files of its own in `jobs` there, and ends its work, in
    seconds, when `is_cancelled`.

    `ends_cells` tells that it ends a task which takes longer than its `cell_timeout` (seconds) or whose process takes
    more than its `memory` (bytes), where these are not None, and emits it as dead with `limit`, ``"time"`` or
    ``"memory"``. `remote` tells that workers are elsewhere: they get the source of components from files, rounds are
    read from the store, and of events `run` emits no more than how each task ended.
    """

    remote: ClassVar[bool] = False
    ends_cells: ClassVar[bool] = False

    @property
    def outlives(self) -> bool:
        """Whether what it was given goes on when this process ends; then it has `submit`."""
        return False

    def check(self) -> None:
        """Raise RequestError where it cannot be used: a library is missing, nobody answers at an address."""

    @abstractmethod
    def run(self, tasks: Sequence[Task], emit: Emit) -> None:
        """Perform every task once and pass its events on; return early when the study is cancelled.

        A task whose worker dies is emitted as ``{"event": "died", "cell": ..., "reason": ...}``, which records its
        failure; `cell` is the task's `name`. ``{"event": "silent", ...}`` may tell that nothing was heard for long, and
        ``{"event": "left", ...}`` what a cell left behind in its process.

        KeyboardInterrupt passes through once the workers are stopped, those that outlive this process aside.
        """

    def submit(self, tasks: Sequence[Task]) -> None:
        """Give every task to the engine, and return when it has them for good."""
        raise NotImplementedError

    def withdraw(self, store: Path) -> None:
        """Take back what waits in the engine for a store, where that can be done from here."""


def is_cancelled(task: Task) -> bool:
    """Return whether the study of a task was cancelled: its store has the file CANCELLED."""
    return (Path(task["store"]) / CANCELLED).exists()
