"""The executor of classes that only this process knows, such as a notebook's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from albench.contracts.executor import Emit, Executor, Task, is_cancelled
from albench.running.work import perform


@dataclass(frozen=True)
class Here(Executor):
    """Runs cells in this process, one after another."""

    def run(self, tasks: Sequence[Task], emit: Emit) -> None:
        """Perform every task; see the contract."""
        from albench.running.mode import settings_kept

        with settings_kept():  # a cell makes them for its process
            for task in tasks:
                if not is_cancelled(task):
                    perform(task, emit)
