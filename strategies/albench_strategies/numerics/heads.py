"""Linear softmax heads on given features, fitted by accelerated gradient descent."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def fitted_heads(inputs: Tensor, targets: Tensor, shares: Tensor, ridge: float, steps: int) -> Tensor:
    """Return the weights of one head for each row of `shares`, (n_heads, d, C), by Nesterov's method with step 1 / L.

    Each minimises the cross-entropy of softmax(inputs @ weights) and `targets`, (n, C), weighted by its shares,
    (n_heads, n), plus ridge / 2 times the squared length of the weights.
    """
    curvature = torch.linalg.matrix_norm((inputs.T * shares[:, None]) @ inputs, ord=2)
    rate = 1 / (curvature / 2 + ridge)[:, None, None]
    (n_heads, n), classes = shares.shape, targets.shape[1]
    wanted, columns = targets.T.contiguous(), inputs.T.contiguous()
    weights = inputs.new_zeros(n_heads, classes, inputs.shape[1])  # classes first: one product serves all heads
    ahead = weights
    for step in range(steps):
        logits = (ahead.flatten(0, 1) @ columns).view(n_heads, classes, n)
        residuals = torch.softmax(logits, dim=1).sub_(wanted).mul_(shares[:, None])
        moved = ahead - rate * ((residuals.flatten(0, 1) @ inputs).view_as(ahead) + ridge * ahead)
        ahead = moved + step / (step + 3) * (moved - weights)
        weights = moved
    return weights.transpose(1, 2)


def standardised(given: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    """Return `given` with mean 0 and variance 1, the others moved alike, and a 1 for the bias in all of them."""
    mean, spread = given.mean(dim=0), given.std(dim=0, correction=0)
    spread = torch.where(spread > 0, spread, 1)
    return tuple(F.pad((points - mean) / spread, (0, 1), value=1.0) for points in (given, *others))
