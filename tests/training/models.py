"""Small models on random images."""

from __future__ import annotations

import numpy as np

import albench
from albench.rng import stream
from albench.training.model import Model

LABELS = np.array([5, 2] * 6)


def images(n: int, seed: int = 0, side: int = 8) -> np.ndarray:
    return stream(seed, "images").integers(0, 256, size=(n, 1, side, side)).astype(np.uint8)


def new_model(classes: tuple[int, ...] = (5, 2), network: str = "cifar10-quick", seed: int = 0) -> Model:
    return Model(albench.network(network), seed, classes, images(12), "cpu")
