"""Strategies that cover the pool: with balls, or softly with a kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Le
from torch import Tensor
from torch.nn import functional as F

from albench import Query, Strategy
from albench_strategies.numerics.clustering import kmeans
from albench_strategies.numerics.geometry import Cloud, cover_of_sets, nearest, singletons

TILE = 512  # columns of distances at a time, and TILE * TILE of them, so that they stay in a cache
LOOKED_AT = 32  # bounds computed anew at once, twice as many each time


@dataclass(frozen=True)
class CoverStrategy(Strategy):
    """Query what covers most of the pool that the labelled examples do not; `_kernel` says how much is covered."""

    def score(self, query: Query) -> Tensor:
        """Return the share of the pool that each example would newly cover, (n_pool,), in [0, 1]."""
        return self._values(query, singletons(len(query.pool), query.device))

    def score_sets(self, query: Query) -> Tensor:
        """Return the share of the pool that each set would newly cover, (n_sets,), in [0, 1]."""
        return self._values(query, query.sets)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples picked greedily by what they newly cover, (min(k, n_pool),).

        Gains only fall while more is covered, so that those of before bound those of now, and few are computed again
        for each pick (Minoux 1978).
        """
        cloud, covered, width, weights = self._prepared(query)
        less = self._tie_break(cloud)

        def gains(examples: Tensor) -> Tensor:
            return self._gains(cloud, covered, width, weights, examples) - less[examples]

        chosen: list[int] = []
        bounds = gains(torch.arange(len(covered), device=query.device))
        for _ in range(min(k, len(covered))):
            index = best_of_bounded(bounds, gains, fresh=not chosen)
            chosen.append(index)
            bounds[index] = -torch.inf
            covered = covered.maximum(self._kernel(cloud.squares_to(index), width))
        return torch.tensor(chosen, dtype=torch.int64, device=query.device)

    def _values(self, query: Query, sets: Tensor) -> Tensor:
        cloud, covered, width, weights = self._prepared(query)
        if sets.shape[1] == 1:
            return self._gains(cloud, covered, width, weights, sets[:, 0])

        def gain(part: slice) -> Tensor:
            return self._kernel(cloud.squares(slice(None), part), width).sub_(covered[part]).clamp_min_(0)

        return cover_of_sets(gain, weights / len(weights), sets, "most")

    def _gains(self, cloud: Cloud, covered: Tensor, width: float, weights: Tensor, examples: Tensor) -> Tensor:
        """Return the own gain of each of some examples, (n,)."""
        return self._totals(cloud, covered, width, weights, examples) / len(weights)

    def _totals(
        self, cloud: Cloud, covered: Tensor, width: float, weights: Tensor, examples: Tensor | None = None
    ) -> Tensor:
        """Return what each of some examples, or of all, newly covers, summed over the pool, (n,)."""
        left = ((covered < 1) & (weights > 0)).nonzero()[:, 0]
        total = torch.zeros_like(weights if examples is None else weights[examples])
        for columns in torch.split(left, TILE):
            level, wanted = covered[columns], weights[columns]
            in_part = bool(level.any())
            height = TILE * TILE // max(len(columns), 1)
            for begin in range(0, len(total), height):
                rows = slice(begin, begin + height)
                those = rows if examples is None else examples[rows]
                reached = self._kernel(cloud.squares(those, columns), width)
                total[rows] += (reached.sub_(level).clamp_min_(0) if in_part else reached) @ wanted
        return total

    def _prepared(self, query: Query) -> tuple[Cloud, Tensor, float, Tensor]:
        """Return the pool's features of unit norm, what of each is covered, the kernel's width, and the weights."""
        points = F.normalize(query.features)
        width = self._width(query, points)
        covered = self._kernel(nearest(points, F.normalize(query.labeled_features)), width)
        return Cloud(points), covered, width, self._weights(query)

    def _weights(self, query: Query) -> Tensor:
        """Return what covering each pool example is worth, (n_pool,), in [0, 1]."""
        return torch.ones_like(query.features[:, 0])

    def _tie_break(self, cloud: Cloud) -> Tensor:
        """Return what is subtracted from gains where they are counts, (n_pool,): below the smallest difference."""
        return cloud.norms / (5 * len(cloud.norms))

    def _width(self, query: Query, points: Tensor) -> float:
        raise NotImplementedError

    def _kernel(self, squares: Tensor, width: float) -> Tensor:
        """Return how much is covered at squared distances, in [0, 1], in their place; it falls with the distance."""
        raise NotImplementedError


@dataclass(frozen=True)
class MaxHerding(CoverStrategy):
    """Query what raises the pool's mean similarity to its nearest labelled example, MaxHerding (Bae et al. 2024).

    The paper takes self-supervised features, of SimCLR or DINO; these are the classifier's, unless the scenario is of
    features. The mean is over the whole pool, where the authors' code takes a random part of large ones.

    Formula: mean_x max(0, k(x, s) - max over labelled l of k(x, l)), k(x, y) = exp(-||x - y||^2 / `width`^2) on
        features of unit norm
    Sets: mean_x max(0, max over the set's members s of k(x, s) - max over labelled l of k(x, l))
    Cost: O(N'^2 d + n_sets K N') for sets; to select O(N'^2 d) once, and O(N' d) for each gain that is computed again
    Source: Bae, Noh, Sutherland 2024, Generalized coverage for more robust low-budget active learning, ECCV
    """

    results_version: ClassVar[int] = 1

    width: Annotated[float, Gt(0)] = 1.0

    def _width(self, query: Query, points: Tensor) -> float:  # noqa: ARG002
        return self.width

    def _tie_break(self, cloud: Cloud) -> Tensor:
        return torch.zeros_like(cloud.norms)

    def _kernel(self, squares: Tensor, width: float) -> Tensor:
        return squares.clamp_min_(0).mul_(-1 / width**2).exp_()


@dataclass(frozen=True)
class ProbCover(CoverStrategy):
    """Query the centres of balls that cover most of what is not covered, ProbCover (Yehuda et al. 2022).

    Features are of unit norm. The paper takes self-supervised ones, of SimCLR or DINO; these are the classifier's,
    unless the scenario is of features. The radius is the largest at which a share `purity` of the balls around pool
    examples holds a single cluster of a k-means with as many clusters as the network has classes, unless `radius`
    gives it; the authors choose it once from the features, here every round does. Of equal gains the
    example nearest to the pool's mean goes first, where the authors' code takes the first one.

    Formula: mean_x 1[||x - s|| < radius and no labelled example is within the radius of x]
    Sets: the share of the pool that is newly within the radius of a member
    Cost: O(N'^2 d + n_sets K N') for sets; to select O(N'^2 d) once, and O(N' d) for each gain that is computed again
    Source: Yehuda, Dekel, Hacohen, Weinshall 2022, Active learning through a covering lens, NeurIPS
    """

    results_version: ClassVar[int] = 3

    purity: Annotated[float, Gt(0), Le(1)] = 0.95
    radius: Annotated[float, Gt(0)] | None = None

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples picked greedily by what they newly cover, (min(k, n_pool),).

        A ball is covered at once and for good, so that what each pick newly covers is taken off the gains of all.
        """
        cloud, covered, width, weights = self._prepared(query)
        less = self._tie_break(cloud)
        counts = self._totals(cloud, covered, width, weights)
        chosen: list[int] = []
        for _ in range(min(k, len(covered))):
            index = int((counts / len(covered) - less).argmax())
            chosen.append(index)
            less[index] = torch.inf
            now = covered.maximum(self._kernel(cloud.squares_to(index), width))
            counts -= self._totals(cloud, 1 - (now - covered), width, weights)
            covered = now
        return torch.tensor(chosen, dtype=torch.int64, device=query.device)

    def _width(self, query: Query, points: Tensor) -> float:
        if self.radius is not None:
            return self.radius
        _, place = kmeans(points, query.n_classes)
        pure = _pure_radii(points, place)
        finite = pure[pure.isfinite()].sort().values
        if not len(finite):  # a single cluster: every ball is pure
            return 2.0
        allowed = int((1 - self.purity) * len(finite) + 1e-9)  # (1 - 0.8) * 20 is below 4 in floating point
        rank = min(allowed, len(finite) - 1)
        limit = float(finite[rank])
        # Halfway to the next smaller one: at a radius that is somebody's distance, rounding would decide who is in.
        smaller = finite[finite < 0.9999 * limit]
        return max((limit + (float(smaller[-1]) if len(smaller) else 0.99 * limit)) / 2, 1e-6)

    def _kernel(self, squares: Tensor, width: float) -> Tensor:
        return squares.lt_(width**2)


def _pure_radii(points: Tensor, place: Tensor) -> Tensor:
    """Return each point's distance to the nearest point of another cluster, (n,); infinite where there is none."""
    order = place.argsort(stable=True)
    cloud = Cloud(points[order])
    squares = torch.full_like(cloud.norms, torch.inf)
    begin = 0
    for size in torch.bincount(place).tolist():  # the cluster beside all later ones, each pair of points once
        end = begin + size
        for top in range(begin, end, TILE):
            rows = slice(top, min(top + TILE, end))
            for left in range(end, len(points), TILE):
                columns = slice(left, left + TILE)
                between = cloud.squares(rows, columns)
                squares[rows] = squares[rows].minimum(between.amin(dim=1))
                squares[columns] = squares[columns].minimum(between.amin(dim=0))
        begin = end
    return torch.empty_like(squares).index_copy_(0, order, squares.clamp_min_(0).sqrt_())


def best_of_bounded(bounds: Tensor, gains: Callable[[Tensor], Tensor], fresh: bool) -> int:
    """Return the first index of the largest gain, given upper bounds, (n,), which are lowered to gains where looked at.

    With `fresh` they are the gains of now already.
    """
    known = torch.full_like(bounds, fresh, dtype=torch.bool)
    count = LOOKED_AT
    while True:
        best = bounds.masked_fill(~known, -torch.inf).amax()
        highest = bounds.masked_fill(known, -torch.inf).topk(min(count, len(bounds)))
        asked = highest.indices[(highest.values >= best) & (highest.values > -torch.inf)]
        if not len(asked):
            return int(bounds.masked_fill(~known, -torch.inf).argmax())
        bounds[asked] = gains(asked)
        known[asked] = True
        count *= 2
