"""Wide residual networks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge

from albench.errors import RequestError
from albench.networks.normalised import NormalisedNetwork

if TYPE_CHECKING:
    from torch import nn

STEM = 16  # channels
STAGES = 3


@dataclass(frozen=True)
class WideResNet(NormalisedNetwork):
    """WRN-depth-width, by default WRN-28-10 (Zagoruyko and Komodakis 2016), without dropout.

    A 3 x 3 stem of 16 channels, three stages of (depth - 4) / 6 pre-activation blocks of 16, 32 and 64 times `width`
    channels, and the mean over positions. 36,479,194 parameters for 3 channels and 10 classes. Works at any image size.
    """

    results_version: ClassVar[int] = 1

    depth: Annotated[int, Ge(10)] = 28  # convolutional layers: 6 for each block of a stage, and 4
    width: Annotated[int, Ge(1)] = 10  # channels in 16ths of the first stage

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Refuse what is no image, and a depth that no number of blocks has."""
        super().check_input(shape)
        if (self.depth - 4) % 6:
            below = self.depth - (self.depth - 4) % 6
            raise RequestError(f"depth={self.depth} is not 6 n + 4; set depth to {below} or {below + 6}")

    def body(self, channels: int) -> tuple[nn.Module, int]:
        """Return the stem, the stages and the mean over positions, and the number of features."""
        from torch import nn

        from albench.networks.residual import MeanOfPositions, PreActivation, convolution

        widths = [STEM * self.width * 2**stage for stage in range(STAGES)]
        layers: list[nn.Module] = [convolution(channels, STEM)]
        for stage, (n_in, n_out) in enumerate(pairwise([STEM, *widths])):
            layers.append(PreActivation(n_in, n_out, stride=2 if stage else 1))
            layers.extend(PreActivation(n_out, n_out, stride=1) for _ in range((self.depth - 4) // 6 - 1))
        layers += [nn.BatchNorm2d(widths[-1]), nn.ReLU(), MeanOfPositions()]
        return nn.Sequential(*layers), widths[-1]
