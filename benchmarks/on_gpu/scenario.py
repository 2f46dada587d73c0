"""Images that need no download: a smooth pattern a class, of the size of CIFAR's, with noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import albench

CLASSES, SIDE, COARSE = 20, 32, 4


@dataclass(frozen=True)
class Patterns(albench.DiscoveryScenario):
    """20 classes of 32 x 32 images in colour."""

    reads_data: ClassVar[bool] = False
    results_version: ClassVar[int] = 1

    images_a_class: int = 300

    def data(self) -> albench.LabeledImages:
        """Draw the images; they are the same for every seed."""
        draws = albench.stream(0, "patterns")
        labels = np.repeat(np.arange(CLASSES), self.images_a_class)
        coarse = draws.normal(128, 40, (CLASSES, 3, COARSE, COARSE))
        smooth = coarse.repeat(SIDE // COARSE, axis=2).repeat(SIDE // COARSE, axis=3)
        noise = draws.normal(0, 40, (len(labels), 3, SIDE, SIDE))
        images = (smooth[labels] + noise).clip(0, 255).astype(np.uint8)
        names = [f"pattern {label}" for label in range(CLASSES)]
        return albench.LabeledImages.in_canonical_order(images, labels, names)
