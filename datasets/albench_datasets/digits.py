"""Scikit-learn's digits: real images inside a package that is already there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from albench import Count, DiscoveryScenario, LabeledImages


@dataclass(frozen=True)
class Digits(DiscoveryScenario):
    """1,797 handwritten digits of 8 x 8 grey pixels, 10 classes (UCI, Alpaydin & Kaynak 1998; CC BY 4.0).

    Their grey values 0..16 are multiplied by 255/16: the networks of albench expect the scale 0..255.
    """

    results_version: ClassVar[int] = 1
    reads_data: ClassVar[bool] = False

    known: Count = 5
    novel: Annotated[int, Ge(0)] = 5
    initial_per_class: Annotated[int, Ge(1)] = 20
    pool_per_class: Count = 40
    test_per_class: Count = 80

    def data(self) -> LabeledImages:
        """Return all images."""
        return _digits()


@cache
def _digits() -> LabeledImages:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    return LabeledImages.in_canonical_order(images, bunch.target, [str(name) for name in bunch.target_names])
