"""The small residual network and its training written plainly in PyTorch: nothing of albench, and only torch's layers.

Residual blocks as in He et al. 2016, figure 2, with 1 x 1 convolutions where the shape changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """Two normalised convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.changed = inputs != outputs or stride != 1
        if self.changed:
            self.across = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.across_norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return F.relu(y + (self.across_norm(self.across(x)) if self.changed else x))


class PlainResNet8(nn.Module):
    """A stem, three blocks of 16, 32 and 64 channels, the mean over positions, and a linear layer."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(channels, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.blocks = nn.Sequential(Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2))
        self.last = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.blocks(F.relu(self.stem_norm(self.stem(x)))).mean(dim=(2, 3)))


def train(
    network: nn.Module, images: Tensor, targets: Tensor, batches: Tensor, rate: float, momentum: float, decay: float
) -> None:
    """Train by SGD on these batches, (iterations, batch_size) rows of images (n, C, H, W) and targets (n,).

    In channels_last and with the fused step, as PyTorch advises. Other choices round otherwise, and 100 iterations at a
    rate of .01 can make 1e-3 of it: a unit whose input is nearly 0 turns on in one and not in the other.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=momentum, weight_decay=decay, fused=True)
    network.train()
    for batch in batches:
        optimizer.zero_grad()
        F.cross_entropy(network(images[batch]), targets[batch]).backward()
        optimizer.step()


def with_weights_of(network: nn.Module, plain: PlainResNet8) -> PlainResNet8:
    """Return the plain network with another's weights and statistics, both in the order of their definition."""
    plain.load_state_dict(dict(zip(plain.state_dict(), _values(network), strict=True)))
    return plain


def _values(network: nn.Module) -> Sequence[Tensor]:
    return list(network.state_dict().values())
