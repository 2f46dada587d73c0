"""The executor of classes that only this process knows, such as a notebook's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from albench.contracts.executor import Emit, Executor, Task
from albench.running.work import perform


@dataclass(frozen=True)
class Here(Executor):
    """Runs cells in this process, one after another."""

    def run(self, tasks: Sequence[Task], emit: Emit) -> None:
        """Perform every task; see the contract."""
        with _threads_kept():
            for task in tasks:
                perform(task, emit)


@contextmanager
def _threads_kept() -> Iterator[None]:
    """Give torch its threads back, which a cell sets."""
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
