"""How EMOC's cost grows with candidates N', images N, classes C and parameters P, exact and low-rank."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albench.rng import torch_stream
from albench_strategies.emoc.exact import exact_scores
from albench_strategies.emoc.problem import Problem
from albench_strategies.numerics.gradients.recorder import Recorder
from benchmarks import table

BASE = {"candidates": 200, "images": 60, "classes": 10, "width": 16}
FACTORS = (0.5, 1, 2, 4)
TITLE = "EMOC's exact cost, one quantity varied at a time (CPU seconds, one thread)"


class Sized(nn.Module):
    """The common network's shape with another number of channels."""

    def __init__(self, width: int, n_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 5, padding=2)
        self.conv2 = nn.Conv2d(width, width, 5, padding=2)
        self.conv3 = nn.Conv2d(width, 2 * width, 5, padding=2)
        self.head = nn.Linear(2 * width * 16, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        x = F.max_pool2d(torch.relu(self.conv1(images)), 2)
        x = F.avg_pool2d(torch.relu(self.conv2(x)), 2)
        return self.head(F.avg_pool2d(torch.relu(self.conv3(x)), 2).flatten(1))


def problem(candidates: int, images: int, classes: int, width: int) -> Problem:
    draws = torch_stream(0, "sweep")
    network = Sized(width, classes)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.05 * torch.randn(parameter.shape, generator=draws))
    pool = torch.randn(candidates, 3, 32, 32, generator=draws)
    seen = torch.randn(images, 3, 32, 32, generator=draws)
    labels = torch.randint(classes, (candidates,), generator=draws)
    return Problem(Recorder(network, linear_only=False), seen, pool, torch.arange(candidates), labels, softmax=False)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("quantity", list(BASE))
@pytest.mark.benchmark(group="emoc cost")
def test_emoc_cost_grows_with(benchmark: Any, quantity: str, factor: float) -> None:
    sizes = {**BASE, quantity: int(BASE[quantity] * factor)}
    asked = problem(**sizes)
    seconds: list[float] = []

    def measured() -> None:
        start = time.process_time()
        exact_scores(asked)
        seconds.append(time.process_time() - start)

    benchmark.pedantic(measured, rounds=2, warmup_rounds=1)
    parameters = sum(value.numel() for value in asked.recorder.network.parameters())
    row = {"varied": quantity, **sizes, "parameters": parameters, "cpu_seconds": min(seconds)}
    benchmark.extra_info.update(row)
    table.add(TITLE, row)
