"""Residual networks in the form for small images, from one description."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge

from albench.networks.normalised import NormalisedNetwork

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ResNet(NormalisedNetwork):
    """A 3 x 3 stem without pooling, stages of residual blocks, the mean over positions, and the head.

    `blocks` counts each stage's blocks. The first stage has `width` channels at full size; each later one has twice
    as many at half the size.
    """

    blocks: ClassVar[tuple[int, ...]]

    width: Annotated[int, Ge(1)] = 64  # channels of the stem and of the first stage

    def body(self, channels: int) -> tuple[nn.Module, int]:
        """Return the stem, the stages and the mean over positions, and the number of features."""
        from torch import nn

        from albench.networks.residual import MeanOfPositions, Residual, normalised

        widths = [self.width * 2**stage for stage in range(len(self.blocks))]
        layers = normalised(channels, self.width)
        for stage, (n_in, n_out) in enumerate(pairwise([self.width, *widths])):
            layers.append(Residual(n_in, n_out, stride=2 if stage else 1))
            layers.extend(Residual(n_out, n_out, stride=1) for _ in range(self.blocks[stage] - 1))
        return nn.Sequential(*layers, MeanOfPositions()), widths[-1]


@dataclass(frozen=True)
class ResNet8(ResNet):
    """A residual network for CPUs: three stages of one block (He et al. 2016, section 4.2, with n = 1).

    78,042 parameters for 3 channels and 10 classes at the paper's `width` of 16; shortcuts that change the shape are
    1 x 1 convolutions. Works at any image size.
    """

    results_version: ClassVar[int] = 1
    blocks: ClassVar[tuple[int, ...]] = (1, 1, 1)

    width: Annotated[int, Ge(1)] = 16  # channels of the stem and of the first stage


@dataclass(frozen=True)
class ResNet18(ResNet):
    """ResNet-18 in its CIFAR form: a 3 x 3 stem, no maximum pooling, four stages of two blocks (He et al. 2016).

    11,173,962 parameters for 3 channels and 10 classes. Works at any image size.
    """

    results_version: ClassVar[int] = 1
    blocks: ClassVar[tuple[int, ...]] = (2, 2, 2, 2)
