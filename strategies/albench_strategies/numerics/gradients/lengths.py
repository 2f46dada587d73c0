"""Lengths of per-example gradients of all weights, without building one gradient after another.

The gradient of a layer's weights is sum_t D_t U_t^T over positions t, so that its length follows from the factors.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albench_strategies.numerics.gradients.layers import Factors
from albench_strategies.numerics.gradients.recorder import Recorder, UnknownLayerError, every_label

IMAGES_A_CHUNK = 32


def lengths_by_label(network: nn.Module, images: Tensor) -> Tensor:
    """Return ||grad of the softmax loss by all weights|| for each image and each label it may have, (n, n_classes).

    Networks that the recorder knows take one backward pass a label for a whole batch; any other gets one gradient an
    example and label from autograd. Raises StrategyError for one that normalises by the statistics of a batch, or whose
    outputs are not finite.
    """
    chunks = torch.split(images, IMAGES_A_CHUNK)
    try:
        recorder = Recorder(network, False, "egl", "egl[layers=last] asks for none of them")
        return torch.cat([_recorded_lengths(recorder, part) for part in chunks])
    except UnknownLayerError:
        return torch.cat([_lengths_by_autograd(network, part) for part in chunks])


def _recorded_lengths(recorder: Recorder, images: Tensor) -> Tensor:
    found, alike = [], None
    for factors in recorder.factors_by_function(images, every_label):
        alike = alike or [_alike(layer) for layer in factors]
        squares = [_square_lengths(layer, products) for layer, products in zip(factors, alike, strict=True)]
        found.append(torch.stack(squares).sum(dim=0))
    return torch.stack(found, dim=1).clamp_min_(0).sqrt_()


def _alike(factors: Factors) -> Tensor | None:
    """Return the patches' products with each other, (n, G, T, T), where they save operations."""
    shape = factors.shape
    if shape.positions * (shape.outputs + 1) >= shape.outputs * shape.width:
        return None
    return factors.patches @ factors.patches.transpose(2, 3)


def _square_lengths(factors: Factors, alike: Tensor | None) -> Tensor:
    """Return the squared length of a layer's gradient for each image, (n,).

    Either from sum_t D_t U_t^T itself, or as sum_ts (U_t . U_s) (D_t . D_s).
    """
    deltas = factors.deltas[:, :, :, 0]  # (n, G, T, p)
    if alike is None:
        return (deltas.transpose(2, 3) @ factors.patches).square_().sum(dim=(1, 2, 3))
    return (deltas @ deltas.transpose(2, 3)).mul_(alike).sum(dim=(1, 2, 3))


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
