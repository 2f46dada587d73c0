"""Rounds whose features are given, so that what a strategy should find is known beforehand."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from albench.contracts.query import Query
from tests.strategies.rounds import Array


class Given(nn.Module):
    """A network whose features are its inputs, under a linear head."""

    def __init__(self, head: Array) -> None:
        super().__init__()
        self.head = nn.Linear(head.shape[1], head.shape[0], dtype=torch.float64)
        self.head.weight.data = torch.from_numpy(head)
        self.head.bias.data.zero_()

    def features(self, images: Tensor) -> Tensor:
        return images

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(images)
        return logits


def planted(points: Array, labeled: Array, head: Array, sets: object = None, seed: int = 0, **more: Tensor) -> Query:
    """A float64 query with these features; labels are what the head predicts."""
    labels = torch.from_numpy(np.argmax(labeled @ head.T, axis=1))
    generator = torch.Generator().manual_seed(seed)
    given = None if sets is None else torch.as_tensor(sets)
    pool, known = torch.from_numpy(points), torch.from_numpy(labeled)
    return Query(Given(head).eval(), pool, known, labels, given, generator, **more)  # type: ignore[arg-type]


def blobs(sizes: list[int], d: int, spread: float, seed: int) -> tuple[Array, Array]:
    """Return points around far-apart directions of length 3, and the blob of each."""
    rng = np.random.default_rng(seed)
    centres = 3 * np.linalg.qr(rng.normal(size=(d, d)))[0][: len(sizes)]
    place = np.repeat(np.arange(len(sizes)), sizes)
    return centres[place] + spread * rng.normal(size=(len(place), d)), place
