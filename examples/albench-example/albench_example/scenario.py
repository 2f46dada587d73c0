"""A scenario from data that are made on the spot: stripes of ten orientations under noise."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated

import numpy as np
from annotated_types import Ge

import albench

N_CLASSES, PER_CLASS, SIDE = 10, 120, 12


@dataclass(frozen=True)
class Stripes(albench.DiscoveryScenario):
    """1,200 grey images of 12 x 12 pixels; the class is the orientation of the stripes."""

    known: Annotated[int, Ge(1)] = 5
    novel: Annotated[int, Ge(0)] = 5
    initial_per_class: Annotated[int, Ge(1)] = 20
    pool_per_class: Annotated[int, Ge(1)] = 40
    test_per_class: Annotated[int, Ge(1)] = 40

    def data(self) -> albench.LabeledImages:
        """Return all images; they are the same for every seed."""
        return _stripes()


@cache
def _stripes() -> albench.LabeledImages:
    draws = albench.stream(0, "stripes")
    labels = np.repeat(np.arange(N_CLASSES), PER_CLASS)
    angle = (labels * np.pi / N_CLASSES)[:, None, None]
    y, x = np.mgrid[:SIDE, :SIDE]
    phase = draws.uniform(0, 2 * np.pi, size=(len(labels), 1, 1))
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 1.5 + phase)
    noisy = 128 + 70 * wave + draws.normal(0, 25, size=wave.shape)
    images = noisy.clip(0, 255).astype(np.uint8)[:, None]
    names = [f"{18 * index} degrees" for index in range(N_CLASSES)]
    return albench.LabeledImages.in_canonical_order(images, labels, names)
