"""Training as it is usually written: a data set of tensors, a DataLoader with workers, `.item()` at each batch."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from albench.contracts.learner import Examples

WORKERS = 2


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images of the scale 0..255 minus their mean image, prepared one by one as they are asked for."""

    def __init__(self, examples: Examples) -> None:
        self.images, self.labels = examples.inputs, examples.labels
        self.mean = torch.from_numpy(examples.inputs.mean(axis=0).astype(np.float32))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return torch.from_numpy(self.images[row]).float() - self.mean, int(self.labels[row])


def train(network: nn.Module, examples: Examples, rows: NDArray[np.int64], learner: Any) -> float:
    """Train on these rows, (iterations, batch_size), and return the mean loss."""
    optimizer = torch.optim.SGD(
        network.parameters(), lr=learner.learning_rate, momentum=learner.momentum, weight_decay=learner.weight_decay
    )
    loader = DataLoader(Pictures(examples), batch_sampler=rows.tolist(), num_workers=WORKERS)
    network.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(rows)


class Family:
    """A context manager: the processor seconds of this process and of children that end in the block, and wall time."""

    processor: float
    wall: float

    def __enter__(self) -> Family:
        self._before, self._start = _spent(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._start
        self.processor = _spent() - self._before


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
