"""The contract of a network: a recipe from which the harness builds, grows and rebuilds a module."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from albench.components import Component

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Network(Component):
    """The common network of a study, as a recipe.

    What `build` returns is a torch module with `features(x)`, a linear `head` whose outputs are the classes, and a
    forward pass that is the head of the features.
    """

    head_std: Annotated[float, Gt(0)] = 0.1  # standard deviation of a new head row's Gaussian
    bias_rate: Annotated[float, Ge(0)] = 2.0  # learning rate of biases, relative to that of weights

    @abstractmethod
    def build(self, image_shape: tuple[int, int, int], n_classes: int, draws: np.random.Generator) -> nn.Module:
        """Return a module for images of (C, H, W), every weight drawn from `draws`, on the CPU."""

    def head_row(self, n_features: int, draws: np.random.Generator) -> NDArray[np.float32]:
        """Return the weights, (n_features,), of the head row of a class that has just been found; its bias is 0."""
        return (self.head_std * draws.standard_normal(n_features)).astype(np.float32)
