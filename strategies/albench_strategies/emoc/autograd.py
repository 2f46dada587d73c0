"""EMOC scores by plain automatic differentiation: any network, one image at a time, slowly."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albench import StrategyError

GRADIENT_BYTES = 1_000_000_000  # of the candidates' gradients held at once


def autograd_scores(
    network: nn.Module,
    images: Tensor,
    pool: Tensor,
    examples: Tensor,
    labels: Tensor,
    softmax: bool,
    linear_only: bool,
) -> Tensor:
    """Return the score of each pair of an example of the pool and a label, (n,); see `tiers.pair_scores`."""
    network = copy.deepcopy(network).requires_grad_(False)
    weights = [p for module in network.modules() for p in _weights(module, linear_only)]
    weights = list(dict.fromkeys(weights))
    if not weights:
        raise StrategyError("the network has no weights of the chosen layers; use another network, or layers=all")
    for weight in weights:
        weight.requires_grad_()
    size = sum(weight.numel() * weight.element_size() for weight in weights)
    block = max(1, GRADIENT_BYTES // size)
    parts = []
    for start in range(0, len(examples), block):
        rows = slice(start, start + block)
        gradients = _gradients(network, weights, pool, examples[rows], labels[rows])
        total = torch.zeros(len(gradients), dtype=torch.float64, device=pool.device)
        for image in images:
            total += (_jacobian(network, weights, image, softmax) @ gradients.T).abs().sum(dim=0, dtype=torch.float64)
        parts.append(total / len(images))
    return torch.cat(parts).to(pool.dtype)


def _gradients(
    network: nn.Module, weights: list[nn.Parameter], pool: Tensor, examples: Tensor, labels: Tensor
) -> Tensor:
    rows = []
    for example, label in zip(examples, labels, strict=True):
        logits = network(pool[example][None])
        rows.append(_row(F.cross_entropy(logits, label[None]), weights))
    return torch.stack(rows)


def _jacobian(network: nn.Module, weights: list[nn.Parameter], image: Tensor, softmax: bool) -> Tensor:
    outputs = network(image[None])[0]
    if not bool(torch.isfinite(outputs).all()):
        raise StrategyError("the network's outputs are not finite, so no score is; train it with a lower learning rate")
    if softmax:
        outputs = outputs.softmax(dim=0)
    return torch.stack([_row(value, weights) for value in outputs])


def _row(value: Tensor, weights: list[nn.Parameter]) -> Tensor:
    found = torch.autograd.grad(value, weights, retain_graph=True, allow_unused=True, materialize_grads=True)
    return torch.cat([gradient.flatten() for gradient in found])


def _weights(module: nn.Module, linear_only: bool) -> list[nn.Parameter]:
    if linear_only and not isinstance(module, nn.Linear):
        return []
    return list(module.parameters(recurse=False))
