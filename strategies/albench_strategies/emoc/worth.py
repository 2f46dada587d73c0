"""When low-rank scores are worth an attempt, from counted operations, and when no rank will do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from albench_strategies.emoc.forms import Form
from albench_strategies.emoc.spectrum import OVERSAMPLING
from albench_strategies.numerics.gradients.layers import Shape

RANKS = (32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512)
SKETCHES = (128, 256, 512)  # directions computed at once: the cost of 32 is mostly that of 128
CHECKED_PAIRS = 128  # few pairs have the largest errors: with 32 the rms was a third too small
PILOT_IMAGES = 64  # on which errors are measured; with 24 they strayed by half
PILOT_SHARE = 8  # at most one image in so many
WORTH_IT = 0.8  # of the exact path's cost, at the most
RISKED = 0.05  # of the exact path's cost: what may be spent on an attempt without a first look
LOOK_SHARE, LOOK_PAIRS, LOOK_IMAGES = 4, (192, 512), 16  # one pair in so many within bounds, and images, of that look
LOOK_FAR = 2.0  # times the limit, since directions of few pairs serve the others less well


def pilot_images(n_images: int) -> int:
    """Return on how many images errors are measured."""
    return max(1, min(PILOT_IMAGES, n_images // PILOT_SHARE))


def paying_ranks(shapes: list[Shape], forms: list[Form], n_images: int, n_pairs: int) -> list[int]:
    """Return the ranks at which low-rank scores cost less than exact ones, ascending."""
    return [rank for rank in RANKS if pays(shapes, forms, n_images, n_pairs, rank)]


def by_sketch(ranks: list[int]) -> list[list[int]]:
    """Return the ranks that each sketch gives, all up to its size: a larger one is better at small ranks too."""
    found = [[rank for rank in ranks if rank <= sketch] for sketch in SKETCHES]
    return [wanted for place, wanted in enumerate(found) if wanted and wanted not in found[:place]]


def pays(shapes: list[Shape], forms: list[Form], n_images: int, n_pairs: int, rank: int) -> bool:
    """Compare the multiply-adds with those of the exact path, in which the same Jacobian is built."""
    count = _Counted.of(shapes, forms, n_images, n_pairs)
    # At the most: patches are narrowed, by how much is not known before.
    project = count.rows * (count.thick + n_pairs) * rank + count.thick * n_pairs * rank
    return rank < n_pairs and count.shared + count.attempt(rank) + project < WORTH_IT * count.exact


def needs_look(shapes: list[Shape], forms: list[Form], n_images: int, n_pairs: int) -> bool:
    """Tell whether an attempt in vain would cost so much that a look at few pairs and images should come first."""
    count = _Counted.of(shapes, forms, n_images, n_pairs)
    return count.attempt(SKETCHES[0]) > RISKED * count.exact


def looked_at(n_pairs: int) -> int:
    """Return at how many pairs a first look is."""
    least, most = LOOK_PAIRS
    return min(n_pairs, max(least, min(most, n_pairs // LOOK_SHARE)))


@dataclass(frozen=True)
class _Counted:
    """Multiply-adds of a problem: `shared` by exact and low-rank scores; `thick` is the explicit layers' width."""

    n_images: int
    n_pairs: int
    functions: int
    shared: float
    thick: int
    gradient: float  # of one pair: its backward pass, and the product that builds its gradient

    @classmethod
    def of(cls, shapes: list[Shape], forms: list[Form], n_images: int, n_pairs: int) -> _Counted:
        # The backward passes to a layer's inputs and the product that builds J are about equal.
        gradient = sum(2 * shape.positions * shape.weights for shape in shapes)
        others = [shape for shape, form in zip(shapes, forms, strict=True) if form is not Form.explicit]
        products = sum(one.positions * (one.width + one.functions * one.outputs) for one in others)
        shared = n_images * (shapes[0].functions * gradient + n_pairs * products)
        thick = sum(shape.weights for shape in shapes) - sum(shape.weights for shape in others)
        return cls(n_images, n_pairs, shapes[0].functions, shared, thick, gradient)

    @property
    def rows(self) -> int:
        return self.n_images * self.functions

    @property
    def exact(self) -> float:
        return self.shared + self.rows * self.n_pairs * self.thick

    def attempt(self, rank: int) -> float:
        """Return what it takes to know whether a rank will do: gradients, their directions, and the pilot images."""
        sketch = 2 * self.thick * self.n_pairs * (max(rank, SKETCHES[0]) + OVERSAMPLING)
        pilot = self.shared / self.n_images + self.functions * self.thick * (rank + CHECKED_PAIRS)
        return self.n_pairs * self.gradient + sketch + pilot_images(self.n_images) * pilot


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
