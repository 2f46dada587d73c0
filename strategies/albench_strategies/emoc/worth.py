"""When low-rank scores are worth an attempt, from counted operations, and when no rank will do."""

from __future__ import annotations

import math
from collections.abc import Mapping

from albench_strategies.emoc.forms import Form
from albench_strategies.emoc.spectrum import OVERSAMPLING
from albench_strategies.numerics.gradients.layers import Shape

RANKS = (32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512)
SKETCHES = (128, 256, 512)  # directions computed at once: the cost of 32 is mostly that of 128
CHECKED_PAIRS = 128  # few pairs have the largest errors: with 32 the rms was a third too small
PILOT_IMAGES = 64  # on which errors are measured; with 24 they strayed by half
PILOT_SHARE = 8  # at most one image in so many
WORTH_IT = 0.8  # of the exact path's cost, at the most


def pilot_images(n_images: int) -> int:
    """Return on how many images errors are measured."""
    return max(1, min(PILOT_IMAGES, n_images // PILOT_SHARE))


def paying_ranks(shapes: list[Shape], forms: list[Form], n_images: int, n_pairs: int) -> list[int]:
    """Return the ranks at which low-rank scores cost less than exact ones, ascending."""
    return [rank for rank in RANKS if pays(shapes, forms, n_images, n_pairs, rank)]


def pays(shapes: list[Shape], forms: list[Form], n_images: int, n_pairs: int, rank: int) -> bool:
    """Compare the multiply-adds with those of the exact path, in which the same Jacobian is built."""
    shared = thick = 0
    for shape, form in zip(shapes, forms, strict=True):
        # The backward passes to a layer's inputs and the product that builds J are about equal.
        shared += 2 * n_images * shape.functions * shape.positions * shape.weights
        if form is Form.explicit:
            thick += shape.weights
        else:
            shared += n_images * n_pairs * shape.positions * (shape.width + shape.functions * shape.outputs)
    rows = n_images * shapes[0].functions
    basis = thick * n_pairs * (2 * (max(rank, SKETCHES[0]) + OVERSAMPLING) + rank)
    project = rows * (thick + n_pairs) * rank  # at the most: patches are narrowed, by how much is not known before
    pilot = pilot_images(n_images) * (shared / n_images + shapes[0].functions * thick * (rank + CHECKED_PAIRS))
    exact = shared + rows * n_pairs * thick
    return rank < n_pairs and shared + basis + project + pilot < WORTH_IT * exact


def hopeless(errors: Mapping[int, float], largest: int, limit: float) -> bool:
    """Tell whether errors by rank, going on to fall as they did, stay above the limit up to the largest rank.

    Errors fall about as a power of the rank: the fall over the last doubling is taken for that of each further one.
    """
    last = max(errors)
    half = min(errors, key=lambda rank: (abs(rank - last / 2), rank))
    if last == half or errors[last] <= 0 or not math.isfinite(errors[half]):
        return False
    fall = math.log(max(errors[half] / errors[last], 1.0)) / math.log(last / half)
    return bool(errors[last] * (largest / last) ** -fall > limit)
