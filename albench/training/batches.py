"""Index plans: which rows a training sees at which iteration, how they are seen, and at what rate. No torch here.

A plan is drawn from named streams and never depends on the engine that executes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SHIFT = 4  # pixels by which a crop is moved at most, as is usual on CIFAR (He et al. 2016, section 4.2)
STEPS = (0.5, 0.75)  # shares of the iterations after which the rate is divided (ibid.: 32,000 and 48,000 of 64,000)
STEP_FACTOR = 0.1

RateSchedule = Literal["constant", "cosine", "steps"]


@dataclass(frozen=True)
class Views:
    """How each example of each batch is seen: mirrored or not, and moved by (down, right) pixels."""

    flips: NDArray[np.bool_]  # (iterations, batch_size)
    shifts: NDArray[np.int64]  # (iterations, batch_size, 2), from -SHIFT to SHIFT


@dataclass(frozen=True)
class Plan:
    """A training, drawn ahead."""

    what: str  # in words, for messages
    rows: NDArray[np.int64]  # (iterations, batch_size), rows of the examples
    rates: NDArray[np.float64]  # (iterations,), factors of the learning rate
    views: Views | None = None  # None: as they are
    noise: int = 0  # seed of what the network itself draws while it is trained, as dropout does
    frozen_statistics: bool = False  # batch normalisation by its running statistics, which stay as they are

    def __len__(self) -> int:
        return len(self.rows)


def uniform_rows(n: int, shape: tuple[int, int], draws: np.random.Generator) -> NDArray[np.int64]:
    """Return rows of n examples drawn uniformly with replacement."""
    return draws.integers(n, size=shape)


def mixed_rows(
    n_old: int, n_new: int, old_fraction: float, shape: tuple[int, int], draws: np.random.Generator
) -> NDArray[np.int64]:
    """Return rows of n_old + n_new examples, each an old one with probability `old_fraction`, else one of the last.

    After Kaeding et al. 2016: mini-batches of an update hold old data with weight .9 and new data with weight .1.
    """
    is_old = draws.random(shape) < old_fraction
    place = draws.random(shape)
    rows = np.where(is_old, (place * n_old), n_old + (place * n_new)).astype(np.int64)
    return np.minimum(rows, n_old + n_new - 1)  # a sum may round up


def draw_views(shape: tuple[int, int], draws: np.random.Generator) -> Views:
    """Return views mirrored with probability 1/2 and moved uniformly."""
    return Views(draws.random(shape) < 0.5, draws.integers(-SHIFT, SHIFT + 1, size=(*shape, 2)))


def rate_factors(schedule: RateSchedule, warmup: int, iterations: int) -> NDArray[np.float64]:
    """Return the factor of the learning rate at each iteration, (iterations,).

    It rises linearly over the first `warmup` iterations, to 1 at the last of them. Over the rest it is constant, falls
    to 0 as half a cosine (Loshchilov and Hutter 2017), or is divided by ten after half and three quarters of all.
    """
    place = np.arange(iterations)
    factors = np.ones(iterations)
    if schedule == "cosine":
        rest = max(iterations - warmup, 1)
        factors = (1 + np.cos(np.pi * np.clip(place - warmup, 0, None) / rest)) / 2
    elif schedule == "steps":
        for share in STEPS:
            factors = np.where(place >= share * iterations, factors * STEP_FACTOR, factors)
    if warmup:
        factors = factors * np.minimum(1.0, (place + 1) / warmup)
    return factors
