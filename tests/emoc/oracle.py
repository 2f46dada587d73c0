"""EMOC as the paper writes it: autograd, one example and one output at a time, in float64."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def jacobian_rows(network: nn.Module, image: Tensor, softmax: bool, linear_only: bool) -> Tensor:
    """The derivative of each output by all weights, (C, P)."""
    outputs = network(image[None])[0]
    if softmax:
        outputs = outputs.softmax(dim=0)
    weights = _weights(network, linear_only)
    return torch.stack([_flat(torch.autograd.grad(value, weights, retain_graph=True)) for value in outputs])


def pair_score(
    network: nn.Module, images: Tensor, candidate: Tensor, label: int, softmax: bool, linear_only: bool
) -> float:
    """mean over x of || J_x grad L(x', y) ||_1, for one candidate and one label."""
    network = copy.deepcopy(network).double()
    loss = F.cross_entropy(network(candidate.double()[None]), torch.tensor([label]))
    gradient = _flat(torch.autograd.grad(loss, _weights(network, linear_only)))
    changes = [(jacobian_rows(network, x.double(), softmax, linear_only) @ gradient).abs().sum() for x in images]
    return float(torch.stack(changes).mean())


def set_score(
    network: nn.Module,
    images: Tensor,
    members: Tensor,
    label_rule: str,
    softmax: bool = False,
    linear_only: bool = False,
) -> float:
    """The mean over a candidate set's images of their scores under one of the three label rules."""
    posterior = copy.deepcopy(network).double()(members.double()).softmax(dim=1).detach()

    def score(image: Tensor, label: int) -> float:
        return pair_score(network, images, image, label, softmax, linear_only)

    if label_rule == "set":
        label = int(posterior.mean(dim=0).argmax())
        each = [score(image, label) for image in members]
    elif label_rule == "example":
        each = [score(image, int(p.argmax())) for image, p in zip(members, posterior, strict=True)]
    else:
        each = [
            sum(float(p[label]) * score(image, label) for label in range(len(p)))
            for image, p in zip(members, posterior, strict=True)
        ]
    return sum(each) / len(each)


def _weights(network: nn.Module, linear_only: bool) -> list[nn.Parameter]:
    if not linear_only:
        return list(network.parameters())
    return [p for module in network.modules() if isinstance(module, nn.Linear) for p in module.parameters()]


def _flat(parts: tuple[Tensor, ...]) -> Tensor:
    return torch.cat([part.reshape(-1) for part in parts])
