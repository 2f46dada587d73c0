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
        with _torch_kept():
            for task in tasks:
                perform(task, emit)


@contextmanager
def _torch_kept() -> Iterator[None]:
    """Give torch its settings back, which a cell makes for its process."""
    import torch

    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    flags = cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = flags
