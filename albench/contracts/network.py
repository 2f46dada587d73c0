"""The contract of a network: a recipe from which the harness builds, grows and rebuilds a module."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from albench.contracts.component import Component
from albench.contracts.scenario import Inputs

if TYPE_CHECKING:
    from torch import Tensor, nn

Preparation = Callable[[Inputs], "Tensor"]


@dataclass(frozen=True)
class Network(Component):
    """A network that strategies share, as a recipe.

    What `build` returns is a torch module with `features(x)`, a linear `head` whose outputs are the classes, and a
    forward pass that is the head of the features.
    """

    head_std: Annotated[float, Gt(0)] = 0.1  # standard deviation of a new head row's Gaussian
    bias_rate: Annotated[float, Ge(0)] = 2.0  # learning rate of biases, relative to that of weights

    @abstractmethod
    def build(self, image_shape: tuple[int, ...], n_classes: int, draws: np.random.Generator) -> nn.Module:
        """Return a module for inputs of this shape, (C, H, W) or (d,), every weight drawn from `draws`, on the CPU.

        Global generators are out of reach: where a library draws from torch's, do it inside
        ``torch.random.fork_rng()`` after ``torch.manual_seed(int(draws.integers(2**63)))``.
        """

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise RequestError for inputs, (C, H, W) or (d,), that it cannot take, before anything runs.

        By default all are let through, and what `build` or the module cannot take fails its cells.
        """

    def preparation(self, initial: Inputs) -> Preparation:
        """Return what turns inputs into what the network sees, a float32 tensor on the CPU.

        `initial` are the inputs of the initial labelled set. By default images stay on the scale 0..255 minus the mean
        image of that set, as in Caffe, and features stay as they are.
        """
        import torch

        if initial.ndim == 2:
            return lambda inputs: torch.from_numpy(np.ascontiguousarray(inputs, dtype=np.float32))
        mean = torch.from_numpy(initial.mean(axis=0, dtype=np.float64).astype(np.float32))
        return lambda inputs: torch.from_numpy(np.ascontiguousarray(inputs)).float() - mean

    def head_row(self, n_features: int, draws: np.random.Generator) -> NDArray[np.float32]:
        """Return the weights, (n_features,), of the head row of a class that has just been found; its bias is 0."""
        return (self.head_std * draws.standard_normal(n_features)).astype(np.float32)
