"""Lengths of per-example gradients of all weights, without building one gradient after another.

The gradient of a layer's weights is sum_t D_t U_t^T over positions t, so that its length follows from the factors.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albench import StrategyError
from albench_strategies.numerics.gradients.layers import Factors
from albench_strategies.numerics.gradients.recorder import Recorder, label_residuals

IMAGES_A_CHUNK = 32
LABELS_A_PASS = 16  # whose derivatives are held at once


def lengths_by_label(network: nn.Module, images: Tensor) -> Tensor:
    """Return ||grad of the softmax loss by all weights|| for each image and each label it may have, (n, n_classes).

    Networks that the recorder knows take one backward pass a label for a whole batch; any other gets one gradient an
    example and label from autograd.
    """
    chunks = torch.split(images, IMAGES_A_CHUNK)
    try:
        recorder = Recorder(network, linear_only=False)
        return torch.cat([_recorded_lengths(recorder, part) for part in chunks])
    except StrategyError:  # a layer that it does not know, or that is used in a way that it does not
        return torch.cat([_lengths_by_autograd(network, part) for part in chunks])


def _recorded_lengths(recorder: Recorder, images: Tensor) -> Tensor:
    with torch.no_grad():
        classes = recorder.network(images[:1]).shape[1]
    found = []
    for labels in torch.split(torch.arange(classes, device=images.device), LABELS_A_PASS):
        factors = recorder.factors(images, label_residuals(labels))
        found.append(torch.stack([_square_lengths(layer) for layer in factors]).sum(dim=0))
    return torch.cat(found, dim=1).clamp_min_(0).sqrt_()


def _square_lengths(factors: Factors) -> Tensor:
    """Return the squared length of a layer's gradient for each image and function, (n, F).

    Either from sum_t D_t U_t^T itself, or as sum_ts (U_t . U_s) (D_t . D_s) where that needs fewer operations.
    """
    n, groups, positions, functions, outputs = factors.deltas.shape
    patches = factors.patches.flatten(0, 1)  # (n G, T, d)
    deltas = factors.deltas.flatten(0, 1).permute(2, 0, 1, 3)  # (F, n G, T, p)
    if positions * (outputs + 1) < outputs * patches.shape[2]:
        alike = patches @ patches.transpose(1, 2)
        squares = [((delta @ delta.transpose(1, 2)) * alike).sum(dim=(1, 2)) for delta in deltas]
    else:
        squares = [(delta.transpose(1, 2) @ patches).square_().sum(dim=(1, 2)) for delta in deltas]
    return torch.stack(squares, dim=1).view(n, groups, functions).sum(dim=1)


def _lengths_by_autograd(network: nn.Module, images: Tensor) -> Tensor:
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
