"""A round as plain arrays, and the same round as a query: what a library is due is made from the arrays alone.

Images and the weights behind the features are multiples of 1/16, so that features are exact however they are added up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn

from albench.contracts.query import Query

N_CLASSES, N_FEATURES, N_POOL, N_LABELED = 4, 6, 40, 16
SAMPLES, RATE = 20, 0.5  # of dropout strategies
SEED = 11

Floats = NDArray[np.float64]


class SmallNetwork(nn.Module):
    """Features that are the positive part of a product, and a head, in float64."""

    def __init__(self, inner: Floats, weight: Floats, bias: Floats) -> None:
        super().__init__()
        self.inner = nn.Linear(*inner.T.shape, bias=False)
        self.head = nn.Linear(*weight.T.shape)
        self.double().eval()
        with torch.no_grad():
            self.inner.weight.copy_(torch.from_numpy(inner))
            self.head.weight.copy_(torch.from_numpy(weight))
            self.head.bias.copy_(torch.from_numpy(bias))

    def features(self, images: Tensor) -> Tensor:
        """Return what enters the head, (n, 6)."""
        return torch.relu(self.inner(images.flatten(1)))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (n, 4)."""
        logits: Tensor = self.head(self.features(images))
        return logits


@dataclass(frozen=True)
class Arrays:
    """Images of clusters about their classes, their labels, and the weights of a network."""

    pool: Floats  # (n_pool, 3, 3)
    labeled: Floats
    labels: NDArray[np.int64]
    inner: Floats  # (d, 9)
    weight: Floats  # (C, d)
    bias: Floats

    @property
    def features(self) -> tuple[Floats, Floats]:
        """What enters the head, of labelled and of pool images."""
        one, two = (
            np.maximum(images.reshape(len(images), -1) @ self.inner.T, 0) for images in (self.labeled, self.pool)
        )
        return one, two

    @property
    def points(self) -> Floats:
        """The features of labelled, then of pool images."""
        return np.concatenate(self.features)

    @property
    def targets(self) -> Floats:
        """The labels, and NaN for each pool image."""
        return np.append(self.labels.astype(float), np.full(len(self.pool), np.nan))

    def posteriors(self, features: Floats) -> Floats:
        """Return the softmax of the head's outputs, (n, C)."""
        posteriors: Floats = softmax(features @ self.weight.T + self.bias, axis=1)
        return posteriors

    def permuted(self, order: NDArray[np.int64]) -> Arrays:
        """Return the same round with its pool in another order."""
        return Arrays(self.pool[order], self.labeled, self.labels, self.inner, self.weight, self.bias)

    def query(self) -> Query:
        """Return the round as a strategy sees it."""
        network = SmallNetwork(self.inner, self.weight, self.bias)
        pool, labeled, labels = (torch.from_numpy(each) for each in (self.pool, self.labeled, self.labels))
        return Query(network, pool, labeled, labels, None, stream())


def stream() -> torch.Generator:
    """Return the strategy's stream at its start."""
    return torch.Generator().manual_seed(SEED)


def seed_of(generator: torch.Generator) -> int:
    """Return the seed that an adapter draws next."""
    return int(torch.randint(2**31 - 1, (), generator=generator))


def dropped(arrays: Arrays, generator: torch.Generator) -> Floats:
    """Return the posteriors of networks that drop features, (T, n_pool, C), their masks drawn one after the other."""
    kept = (torch.rand((SAMPLES, N_FEATURES), generator=generator) >= RATE).numpy()
    return np.stack([arrays.posteriors(arrays.features[1] * mask / (1 - RATE)) for mask in kept])


def make_arrays() -> Arrays:
    """Return a round of 40 pool and 16 labelled images of four classes."""
    draws = np.random.default_rng(5)
    centres = draws.normal(size=(N_CLASSES, 9))

    def images(classes: NDArray[np.int64]) -> Floats:
        return _rounded(centres[classes] + 0.7 * draws.normal(size=(len(classes), 9))).reshape(-1, 3, 3)

    labels = np.arange(N_LABELED) % N_CLASSES
    return Arrays(
        pool=images(draws.integers(N_CLASSES, size=N_POOL)),
        labeled=images(labels),
        labels=labels,
        inner=_rounded(draws.normal(size=(N_FEATURES, 9)) / 2),
        weight=draws.normal(size=(N_CLASSES, N_FEATURES)),
        bias=draws.normal(size=N_CLASSES) / 2,
    )


def _rounded(values: Floats) -> Floats:
    rounded: Floats = np.round(16 * values) / 16
    return rounded
