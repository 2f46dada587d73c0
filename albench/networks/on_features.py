"""Networks on features, such as those of a pretrained model that stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn

from albench.contracts.network import Network
from albench.errors import RequestError


class FeatureModule(nn.Module):
    """The head on features as they are, or on a hidden layer of rectified units."""

    def __init__(self, n_inputs: int, n_hidden: int, n_classes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_inputs, n_hidden) if n_hidden else None
        self.head = nn.Linear(n_hidden or n_inputs, n_classes)

    def features(self, inputs: Tensor) -> Tensor:
        """Return what enters the head, (n, hidden) or (n, d)."""
        return inputs if self.hidden is None else torch.relu(self.hidden(inputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits, (n, n_classes)."""
        logits: Tensor = self.head(self.features(inputs))
        return logits


@dataclass(frozen=True)
class OnFeatures(Network):
    """A network that takes features, (d,), as they are."""

    head_std: Annotated[float, Gt(0)] = 0.01
    bias_rate: Annotated[float, Ge(0)] = 1.0

    @property
    def n_hidden(self) -> int:
        """The units of the hidden layer, 0 without one."""
        return 0

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Refuse what are no features."""
        if len(shape) != 1:
            size = " x ".join(map(str, shape))
            raise RequestError(
                f"it takes features, and the scenario gives images of {size}; choose a network of images with "
                "--network, or a scenario of features"
            )

    def build(self, image_shape: tuple[int, ...], n_classes: int, draws: np.random.Generator) -> FeatureModule:
        """Return the module: hidden weights after He et al. 2015, the head's a Gaussian of `head_std`; biases are 0."""
        with torch.random.fork_rng(devices=[]):  # the layers draw weights of their own, from torch's global generator
            module = FeatureModule(image_shape[0], self.n_hidden, n_classes)
        layers = [(module.hidden, sqrt(2 / image_shape[0])), (module.head, self.head_std)]
        with torch.no_grad():
            for layer, std in layers:
                if layer is not None:
                    layer.weight.copy_(torch.from_numpy(std * draws.standard_normal(tuple(layer.weight.shape))))
                    layer.bias.zero_()
        return module


@dataclass(frozen=True)
class Linear(OnFeatures):
    """Softmax regression on features: a linear probe, the head alone."""

    results_version: ClassVar[int] = 1


@dataclass(frozen=True)
class Mlp(OnFeatures):
    """One hidden layer of rectified units on features, 256 as BADGE's multilayer perceptron (Ash et al. 2020)."""

    results_version: ClassVar[int] = 1

    hidden: Annotated[int, Ge(1)] = 256

    @property
    def n_hidden(self) -> int:
        """The units of the hidden layer."""
        return self.hidden
