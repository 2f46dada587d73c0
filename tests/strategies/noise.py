"""Noise stability as Li et al. (2024) define it, in float64 and one image at a time."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from tests.strategies.rounds import Array


def deviations(network: nn.Module, images: torch.Tensor, draws: torch.Generator, samples: int) -> Array:
    """Each image's deviations from its clean posterior over all noises, relative to its length, (n, samples C)."""
    network, images = copy.deepcopy(network).double(), images.double()
    clean = _posteriors(network, images)
    rows: list[list[float]] = [[] for _ in images]
    for _ in range(samples):
        noisy = copy.deepcopy(network)
        for name, weight in noisy.named_parameters():
            if name.endswith("weight"):
                noise = torch.randn(weight.shape, generator=draws).double()
                weight.data += 0.001 * weight.norm().item() / noise.norm() * noise
        for row, p, moved in zip(rows, clean, _posteriors(noisy, images), strict=True):
            row.extend((moved - p) / np.linalg.norm(p))
    return np.array(rows)


def picks(vectors: Array, k: int) -> list[int]:
    """The first k examples of k-center greedy whose first centre is the origin."""
    nearest = [float(np.linalg.norm(vector)) for vector in vectors]
    chosen: list[int] = []
    while len(chosen) < k:
        chosen.append(max((i for i in range(len(vectors)) if i not in chosen), key=lambda i: nearest[i]))
        reach = [float(np.linalg.norm(vector - vectors[chosen[-1]])) for vector in vectors]
        nearest = [min(pair) for pair in zip(nearest, reach, strict=True)]
    return chosen


def _posteriors(network: nn.Module, images: torch.Tensor) -> list[Array]:
    with torch.no_grad():
        logits = [network(image[None])[0].numpy() for image in images]
    return [np.exp(z - z.max()) / np.exp(z - z.max()).sum() for z in logits]
