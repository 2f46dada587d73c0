"""Bodies of small networks for images of 2 x 8 x 8, one or more for each kind of layer, and how many features they give."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """A pre-activation block with batch normalisation and a shortcut."""

    def __init__(self, affine: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4, affine=affine)
        self.second = nn.Conv2d(4, 4, 3, padding=1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        x = self.first(images)
        return torch.relu(x + self.second(torch.relu(self.norm(x)))).mean(dim=(2, 3))


class PerPosition(nn.Module):
    """A linear layer and a layer normalisation at each of 8 positions."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 6)
        self.norm = nn.LayerNorm(6)

    def forward(self, images: Tensor) -> Tensor:
        return torch.relu(self.norm(self.linear(images.reshape(len(images), 8, 16)))).flatten(1)


def convolution(**options: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 4, 3, **options), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def grouped() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, groups=2),
        nn.GroupNorm(3, 6),
        nn.ReLU(),
        nn.Conv2d(6, 6, 3, groups=6, bias=False),
        nn.AvgPool2d(2),
        nn.Flatten(),
    )


def pooled() -> nn.Module:
    """Overlapping windows, one cut off at the edge and one padded, and what follows works in place."""
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.ReLU(inplace=True),
        nn.Conv2d(3, 5, 3, padding=1),
        nn.MaxPool2d(3, 2, padding=1),
        nn.Flatten(),
    )


def pooled_after_relu() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten())


class PooledBesides(nn.Module):
    """A convolution of which a pooling and a sum take the output."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)

    def forward(self, images: Tensor) -> Tensor:
        x = self.conv(images)
        return torch.relu(nn.functional.max_pool2d(x, 2)).mean(dim=(2, 3)) + x.sum(dim=(2, 3))


def flat() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(128, 4), nn.BatchNorm1d(4), nn.ReLU())


BODIES: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "residual": (Residual, 4),
    "batch-norm-without-weights": (lambda: Residual(affine=False), 4),
    "layer-norm": (PerPosition, 48),
    "strided": (lambda: convolution(stride=2, padding=1), 4),
    "dilated": (lambda: convolution(dilation=2), 4),
    "grouped": (grouped, 24),
    "pooled": (pooled, 20),
    "pooled-after-relu": (pooled_after_relu, 27),
    "pooled-besides": (PooledBesides, 4),
    "batch-norm-1d": (flat, 4),
}
