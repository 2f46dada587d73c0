"""The convolutions of the common network at the batch size of training, each alone: the floor under training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.timing import Work

BATCH, KERNEL = 64, 5
SHAPES = {"conv1": (3, 32, 32), "conv2": (32, 32, 16), "conv3": (32, 64, 8)}  # channels in and out, side
REPEATED = 5  # executions that are timed together


@dataclass(frozen=True)
class Convolution:
    """One pass of one layer: what it does, and the operations that it takes."""

    name: str
    operations: float
    work: Work


def convolutions() -> Iterator[Convolution]:
    """Yield the passes of an iteration: forward, and for inputs and weights backward; no layer is before the first."""
    for layer, (inputs, outputs, side) in SHAPES.items():
        operations = 2.0 * BATCH * side**2 * inputs * outputs * KERNEL**2
        x, w = _draw(BATCH, inputs, side, side), _draw(outputs, inputs, KERNEL, KERNEL)
        g = _draw(BATCH, outputs, side, side)
        yield Convolution(f"{layer} forward", operations, _forward(x, w))
        yield Convolution(f"{layer} backward, weights", operations, _backward(g, x, w, [False, True, True]))
        if layer != "conv1":
            yield Convolution(f"{layer} backward, inputs", operations, _backward(g, x, w, [True, False, False]))


def _draw(*shape: int) -> Tensor:
    return torch.randn(shape).contiguous(memory_format=torch.channels_last)


def _forward(x: Tensor, w: Tensor) -> Work:
    bias = torch.zeros(len(w))

    def work() -> None:
        with torch.no_grad():
            for _ in range(REPEATED):
                F.conv2d(x, w, bias, padding=KERNEL // 2)

    return work


def _backward(g: Tensor, x: Tensor, w: Tensor, wanted: list[bool]) -> Work:
    ones, padding, none = [1, 1], [KERNEL // 2] * 2, [0, 0]

    def work() -> None:
        for _ in range(REPEATED):
            torch.ops.aten.convolution_backward(g, x, w, [len(w)], ones, padding, ones, False, none, 1, wanted)

    return work
