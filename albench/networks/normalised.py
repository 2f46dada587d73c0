"""What image networks with batch normalisation share: their input, their initial weights and their head."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt

from albench.contracts.network import Network, Preparation
from albench.contracts.scenario import Inputs
from albench.errors import RequestError

if TYPE_CHECKING:
    from torch import nn

LEAST_STD = 1.0  # of a channel on the scale 0..255: a channel that never varies is not blown up


@dataclass(frozen=True)
class NormalisedNetwork(Network):
    """A network of convolutions, each without a bias and with batch normalisation, and a linear head.

    Convolutions start as Gaussians of variance 2 / (k k outputs) (He et al. 2015, equation 14), scales at 1, shifts at
    0, and the head as its later rows do. Images are seen minus the mean and over the standard deviation of each channel
    in the initial labelled set. Batch normalisation uses the statistics of the batch while the network is trained, and
    its running statistics wherever it is asked.
    """

    head_std: Annotated[float, Gt(0)] = 0.01
    bias_rate: Annotated[float, Ge(0)] = 1.0  # shifts and the head's bias learn as weights do, as in the papers

    @abstractmethod
    def body(self, channels: int) -> tuple[nn.Module, int]:
        """Return what makes features of images with so many channels, (n, C, H, W) to (n, d), and d."""

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Refuse what is no image."""
        refuse_features(shape)

    def preparation(self, initial: Inputs) -> Preparation:
        """Return what centres and scales each channel by the initial labelled set."""
        import torch

        pixels = initial.astype(np.float64)
        centre = pixels.mean(axis=(0, 2, 3))
        scale = np.maximum(pixels.std(axis=(0, 2, 3)), LEAST_STD)
        mean, std = (torch.from_numpy(each.astype(np.float32))[:, None, None] for each in (centre, scale))
        return lambda inputs: (torch.from_numpy(np.ascontiguousarray(inputs)).float() - mean) / std

    def build(self, image_shape: tuple[int, ...], n_classes: int, draws: np.random.Generator) -> nn.Module:
        """Return the module with its initial weights; batch normalisation starts as the identity."""
        import torch
        from torch import nn

        from albench.networks.headed import Headed

        with torch.random.fork_rng(devices=[]):  # the layers draw weights of their own, from torch's global generator
            body, n_features = self.body(image_shape[0])
            module = Headed(body, nn.Linear(n_features, n_classes))
        draw_weights(module.body, module.head, self.head_std, draws)
        return module


def draw_weights(body: nn.Module, head: nn.Linear, head_std: float, draws: np.random.Generator) -> None:
    """Set the weights of all convolutions, in the order of the body's modules, and of the head; its bias is 0."""
    import torch
    from torch import nn

    convolutions = [layer for layer in body.modules() if isinstance(layer, nn.Conv2d)]
    scales: list[tuple[nn.Conv2d | nn.Linear, float]] = [
        (layer, float((2 / (layer.weight[0, 0].numel() * layer.out_channels)) ** 0.5)) for layer in convolutions
    ]
    with torch.no_grad():
        for layer, std in [*scales, (head, head_std)]:
            values = draws.standard_normal(tuple(layer.weight.shape), dtype=np.float32)
            layer.weight.copy_(torch.from_numpy(values).mul_(std))
        head.bias.zero_()


def refuse_features(shape: tuple[int, ...]) -> None:
    """Raise RequestError for what is no image."""
    if len(shape) != 3:
        raise RequestError(
            f"it takes images, and the scenario gives features of {shape[0]} numbers; choose a network of features "
            "with --network, or a scenario of images"
        )
