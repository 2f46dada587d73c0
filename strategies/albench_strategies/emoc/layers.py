"""What a layer's weight gradient is made of: its input and the derivative by its output.

The gradient of a convolution's or a linear layer's weights is sum_t D_t U_t^T over positions t, with U the input
patches (a 1 appended for the bias) and D the derivative by the layer's output. Everything EMOC needs is products of
these.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albench.errors import StrategyError


@dataclass(frozen=True)
class Factors:
    """One layer's factors for a batch: patches U, (n, T, d), and derivatives D, (n, C, p, T) for C functions."""

    patches: Tensor
    deltas: Tensor


class Recorder:
    """A copy of a network that records what its layers with weights take in and give out.

    Raises StrategyError for a layer with weights whose gradient has no such form.
    """

    def __init__(self, network: nn.Module, linear_only: bool) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.names = {}
        for name, module in self.network.named_modules():
            if isinstance(module, nn.Linear) or (_plain_convolution(module) and not linear_only):
                self.names[module] = name
            elif not linear_only and next(module.parameters(recurse=False), None) is not None:
                raise StrategyError(
                    f"EMOC knows convolutions (ungrouped, zero-padded) and linear layers, and layer {name!r} is a "
                    f"{type(module).__name__}; use emoc[layers=linear], or a network without it"
                )
        if not self.names:
            raise StrategyError("the network has no layer with weights that EMOC knows; use another network")

    @property
    def layers(self) -> list[nn.Module]:
        """The layers with weights, in the order of the network's modules."""
        return list(self.names)

    def jacobian(self, images: Tensor, softmax: bool) -> list[Factors]:
        """Return each layer's factors of the derivatives of all C outputs, for a batch of images."""
        inputs, outputs, result = self._run(images)
        if softmax:
            result = torch.softmax(result, dim=1)
        n_classes = result.shape[1]
        buffers = [out.new_empty((len(out), n_classes, *out.shape[1:])) for out in outputs]
        for index in range(n_classes):
            found = torch.autograd.grad(result[:, index].sum(), outputs, retain_graph=index < n_classes - 1)
            for buffer, delta in zip(buffers, found, strict=True):
                buffer[:, index] = delta
        return [
            Factors(_patches(layer, x), _by_position(layer, buffer))
            for layer, x, buffer in zip(self.layers, inputs, buffers, strict=True)
        ]

    def loss_gradient(self, images: Tensor, labels: Tensor) -> list[Factors]:
        """Return each layer's factors of the softmax loss's gradient, C = 1, for pairs of image and label."""
        inputs, outputs, logits = self._run(images)
        found = torch.autograd.grad(F.cross_entropy(logits, labels, reduction="sum"), outputs)
        return [
            Factors(_patches(layer, x), _by_position(layer, delta[:, None]))
            for layer, x, delta in zip(self.layers, inputs, found, strict=True)
        ]

    def _run(self, images: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
        with torch.enable_grad(), self._recording() as record:
            result = self.network(images.detach().requires_grad_())
        for layer, name in self.names.items():
            if layer not in record:
                raise StrategyError(
                    f"layer {name!r} takes no part in the forward pass; remove it, or call it as a module"
                )
        inputs = [record[layer][0].detach() for layer in self.names]
        return inputs, [record[layer][1] for layer in self.names], result

    @contextmanager
    def _recording(self) -> Iterator[dict[nn.Module, tuple[Tensor, Tensor]]]:
        record: dict[nn.Module, tuple[Tensor, Tensor]] = {}

        def hook(module: nn.Module, inputs: Sequence[Any], output: Tensor) -> Tensor:
            if module in record:
                raise StrategyError(
                    f"layer {self.names[module]!r} is used twice in a forward pass; EMOC needs separate layers"
                )
            record[module] = (inputs[0], output)
            return output.clone()  # what follows may work in place

        handles = [module.register_forward_hook(hook) for module in self.names]
        try:
            yield record
        finally:
            for handle in handles:
                handle.remove()


def _plain_convolution(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and module.groups == 1
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )


def _patches(layer: nn.Module, x: Tensor) -> Tensor:
    """Return a layer's input as patches with a 1 for the bias, (n, T, d)."""
    if isinstance(layer, nn.Conv2d):
        assert not isinstance(layer.padding, str)
        columns = F.unfold(
            x, layer.kernel_size, dilation=layer.dilation, padding=layer.padding, stride=layer.stride
        ).transpose(1, 2)
    else:
        columns = x.reshape(len(x), -1, x.shape[-1])
    has_bias = any(name == "bias" for name, _ in layer.named_parameters())
    return F.pad(columns, (0, 1), value=1.0) if has_bias else columns


def _by_position(layer: nn.Module, delta: Tensor) -> Tensor:
    """Return derivatives by a layer's output as (n, C, p, T)."""
    if isinstance(layer, nn.Conv2d):
        return delta.flatten(3)
    # A linear layer's output ends in its features: (n, C, ..., p).
    return delta.unsqueeze(-1) if delta.dim() == 3 else delta.flatten(2, -2).transpose(2, 3)
