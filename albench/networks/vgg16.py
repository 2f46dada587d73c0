"""VGG-16 in the form for small images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge

from albench.networks.normalised import NormalisedNetwork

if TYPE_CHECKING:
    from torch import nn

STAGES = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # channels over `width`, and convolutions, before each pooling


@dataclass(frozen=True)
class Vgg16(NormalisedNetwork):
    """VGG-16 (Simonyan and Zisserman 2015, configuration D) in its CIFAR form, with batch normalisation.

    Thirteen 3 x 3 convolutions, five poolings, and one linear layer, the head, in place of the paper's three.
    14,724,042 parameters for 3 channels and 10 classes. Works at any image size.
    """

    results_version: ClassVar[int] = 1

    width: Annotated[int, Ge(1)] = 64  # channels of the first stage

    def body(self, channels: int) -> tuple[nn.Module, int]:
        """Return convolutions, poolings and the mean over positions, and the number of features."""
        from torch import nn

        from albench.networks.residual import MeanOfPositions, normalised

        layers: list[nn.Module] = []
        for factor, depth in STAGES:
            for _ in range(depth):
                layers += normalised(channels, self.width * factor)
                channels = self.width * factor
            layers.append(nn.MaxPool2d(2, ceil_mode=True))  # of small images windows at the border are partial
        return nn.Sequential(*layers, MeanOfPositions()), channels
