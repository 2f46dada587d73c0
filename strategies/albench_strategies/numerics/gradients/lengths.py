"""Lengths of per-example gradients of all weights, without building one gradient after another.

A convolution's or linear layer's gradient is sum_t D_t U_t^T over positions t, U the input patches and D the
derivative by the output, so that one backward pass serves a whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

IMAGES_A_CHUNK = 50


@dataclass
class _Layer:
    """A layer with weights, what went in and what came out for a batch, and its patches' inner products."""

    module: Any
    taken: Tensor | None = None
    given: Tensor | None = None
    patches: Tensor | None = None  # (n, T, d), a 1 appended for the bias
    gram: Tensor | None = None  # (n, T, T) where it is cheaper
    calls: int = 0  # in one forward pass

    def prepare(self) -> None:
        """Unfold the input, and multiply patches with patches where that needs fewer operations."""
        assert self.taken is not None
        assert self.given is not None
        self.patches = _patches(self.module, self.taken.detach())
        positions, width = self.patches.shape[1:]
        outputs = self.given.shape[1] if isinstance(self.module, nn.Conv2d) else self.given.shape[-1]
        if positions * (outputs + 1) < outputs * width:
            self.gram = self.patches @ self.patches.transpose(1, 2)

    def square_length(self, delta: Tensor) -> Tensor:
        """Return the squared length of the layer's gradient for each example, (n,)."""
        assert self.patches is not None
        if isinstance(self.module, nn.Conv2d):
            derivative = delta.flatten(2)  # (n, p, T)
        else:
            derivative = delta.reshape(len(delta), -1, delta.shape[-1]).transpose(1, 2)
        if self.gram is not None:
            return ((derivative.transpose(1, 2) @ derivative) * self.gram).sum(dim=(1, 2))
        return (derivative @ self.patches).square().sum(dim=(1, 2))


def lengths_by_label(network: nn.Module, images: Tensor) -> Tensor:
    """Return ||grad of the softmax loss by all weights|| for each image and each label it may have, (n, n_classes).

    Networks of ungrouped, zero-padded convolutions and linear layers, each used once and with weights of its own, take
    the fast path; any other gets one gradient an example and label from autograd.
    """
    modules = [module for module in network.modules() if next(module.parameters(recurse=False), None) is not None]
    n_uses = sum(len(list(module.parameters(recurse=False))) for module in modules)
    fast = n_uses == len(list(network.parameters())) and all(_is_known(module) for module in modules)
    compute = _chunk_lengths if fast else _lengths_by_autograd
    return torch.cat([compute(network, modules, part) for part in torch.split(images, IMAGES_A_CHUNK)])


def _is_known(module: nn.Module) -> bool:
    if not {name for name, _ in module.named_parameters(recurse=False)} <= {"weight", "bias"}:
        return False  # a weight that is computed from others, as weight and spectral norm do
    if type(module) is nn.Conv2d:
        return module.groups == 1 and module.padding_mode == "zeros" and not isinstance(module.padding, str)
    return type(module) is nn.Linear  # a subclass may compute something else


def _chunk_lengths(network: nn.Module, modules: Sequence[nn.Module], images: Tensor) -> Tensor:
    with torch.enable_grad(), _recording(modules) as layers:
        logits = network(images.detach().requires_grad_())
    if any(layer.calls != 1 for layer in layers):
        return _lengths_by_autograd(network, modules, images)
    outputs = [layer.given for layer in layers if layer.given is not None]
    for layer in layers:
        layer.prepare()
    posterior = torch.softmax(logits.detach(), dim=1)
    squares = torch.zeros_like(posterior)
    for label in range(logits.shape[1]):
        residual = posterior.clone()
        residual[:, label] -= 1
        deltas = torch.autograd.grad(logits, outputs, residual, retain_graph=label < logits.shape[1] - 1)
        for layer, delta in zip(layers, deltas, strict=True):
            squares[:, label] += layer.square_length(delta)
    return squares.clamp_min_(0).sqrt_()


@contextmanager
def _recording(modules: Sequence[nn.Module]) -> Iterator[list[_Layer]]:
    layers = {module: _Layer(module) for module in modules}

    def hook(module: nn.Module, inputs: Sequence[Any], output: Tensor) -> Tensor:
        layer = layers[module]
        layer.taken, layer.given = inputs[0], output
        layer.calls += 1
        return output.clone()  # what follows may work in place

    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield list(layers.values())
    finally:
        for handle in handles:
            handle.remove()


def _patches(module: Any, x: Tensor) -> Tensor:
    if isinstance(module, nn.Conv2d):
        columns = F.unfold(
            x, module.kernel_size, module.dilation, cast("tuple[int, int]", module.padding), module.stride
        ).transpose(1, 2)
    else:
        columns = x.reshape(len(x), -1, x.shape[-1])
    return columns if module.bias is None else F.pad(columns, (0, 1), value=1.0)


def _lengths_by_autograd(network: nn.Module, _: Sequence[nn.Module], images: Tensor) -> Tensor:
    weights = {name: value.detach() for name, value in network.named_parameters()}
    buffers = dict(network.named_buffers())

    def loss(given: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        logits: Tensor = torch.func.functional_call(network, (given, buffers), (image[None],))
        return F.cross_entropy(logits, label[None])

    per_example = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, None))
    with torch.no_grad():
        classes = network(images[:1]).shape[1]
    columns = []
    for label in range(classes):
        parts = per_example(weights, images, torch.tensor(label, device=images.device))
        columns.append(sum(part.flatten(1).square().sum(dim=1) for part in parts.values()).sqrt())
    return torch.stack(columns, dim=1)
