"""The common CNN: Caffe's CIFAR-10 quick model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albench.contracts.network import Network
from albench.networks.normalised import refuse_features

FIRST_STD = 1e-4  # standard deviation of the first convolution's Gaussian; images come on the scale 0..255
CONVOLUTION_STD = 0.01
LINEAR_STD = 0.1


class QuickModule(nn.Module):
    """Three 5 x 5 convolutions with pooling, a linear layer of 64 features, and the head."""

    def __init__(self, image_shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        self.conv1 = nn.Conv2d(channels, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
        self.linear = nn.Linear(64 * _pooled(height) * _pooled(width), 64)
        self.head = nn.Linear(64, n_classes)

    def features(self, images: Tensor) -> Tensor:
        """Return what enters the head, (n, 64)."""
        x = torch.relu(_pool(F.max_pool2d, self.conv1(images)))
        x = _pool(F.avg_pool2d, torch.relu(self.conv2(x)))
        x = _pool(F.avg_pool2d, torch.relu(self.conv3(x)))
        features: Tensor = self.linear(x.flatten(1))
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (n, n_classes)."""
        logits: Tensor = self.head(self.features(images))
        return logits


@dataclass(frozen=True)
class Cifar10Quick(Network):
    """Caffe's CIFAR-10 quick model, the paper's "CIFAR10 baseline model" (a decision; see docs/protocol.md).

    145,578 parameters for 3 x 32 x 32 images and 10 classes. Works at any image size.
    """

    results_version: ClassVar[int] = 1

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Refuse what is no image."""
        refuse_features(shape)

    def build(self, image_shape: tuple[int, ...], n_classes: int, draws: np.random.Generator) -> QuickModule:
        """Return the module with Caffe's initial weights; biases are 0."""
        with torch.random.fork_rng(devices=[]):  # the layers draw weights of their own, from torch's global generator
            module = QuickModule(image_shape, n_classes)
        scales: dict[nn.Conv2d | nn.Linear, float] = {
            module.conv1: FIRST_STD,
            module.conv2: CONVOLUTION_STD,
            module.conv3: CONVOLUTION_STD,
            module.linear: LINEAR_STD,
            module.head: self.head_std,
        }
        with torch.no_grad():
            for layer, std in scales.items():
                values = std * draws.standard_normal(tuple(layer.weight.shape))
                layer.weight.copy_(torch.from_numpy(values))
                assert layer.bias is not None
                layer.bias.zero_()
        return module


def _pool(pool: Callable[..., Tensor], x: Tensor) -> Tensor:
    """Pool 3 x 3 windows at stride 2 as Caffe does, with partial windows at the border; smaller maps are one window."""
    window = (min(3, x.shape[2]), min(3, x.shape[3]))
    return pool(x, window, stride=2, ceil_mode=True)


def _pooled(size: int) -> int:
    """Return the side that three poolings leave: Caffe's ceil((size - 3) / 2) + 1, at least 1, three times."""
    for _ in range(3):
        size = -((3 - size) // 2) + 1 if size > 3 else 1
    return size
