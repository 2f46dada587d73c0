"""Novelty-aware uncertainty: what looks like an unknown class first, and of that the uncertain (ActiveGCD)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from albench import Query, Strategy
from albench_strategies.numerics.geometry import assign, farthest_first, nearest, square_distances
from albench_strategies.outliers import class_means
from albench_strategies.typiclust import occurrence


@dataclass(frozen=True)
class NoveltyStrategy(Strategy):
    """Rank what is predicted to be novel before what is not, and by uncertainty within; `_uncertainty` says which."""

    novel: Annotated[int, Ge(1)] = 10  # classes that may still be hidden in the pool
    iterations: Annotated[int, Ge(1)] = 10

    def score(self, query: Query) -> Tensor:
        """Return 1 for what is predicted novel plus half the uncertainty in [0, 1], (n_pool,)."""
        posterior, n_seen = self._posterior(query)
        return (posterior.argmax(dim=1) >= n_seen) + self._uncertainty(posterior) / 2

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples, (min(k, n_pool),): of each novel class k / `novel`, then the other novel ones."""
        posterior, n_seen = self._posterior(query)
        predicted, uncertainty = posterior.argmax(dim=1), self._uncertainty(posterior)
        order = uncertainty.argsort(descending=True, stable=True)
        turn = torch.empty_like(predicted)
        turn[order] = occurrence(predicted[order])
        rank = torch.where(predicted >= n_seen, (turn >= k // self.novel).long(), 2)
        return (uncertainty / 2 - rank).argsort(descending=True, stable=True)[:k]

    def _uncertainty(self, posterior: Tensor) -> Tensor:
        raise NotImplementedError

    def _posterior(self, query: Query) -> tuple[Tensor, int]:
        """Return each pool example's posterior over seen and novel classes, and the number of those seen."""
        pool, labeled = query.features.double(), query.labeled_features.double()
        centres, n_seen = self._centres(pool, labeled, query.labels, query.n_classes)
        squares = square_distances(pool, centres)
        scale = squares.amin(dim=1).mean().clamp_min(torch.finfo(squares.dtype).tiny)
        return torch.softmax(-(squares - squares.amin(dim=1, keepdim=True)) / scale, dim=1), n_seen

    def _centres(self, pool: Tensor, labeled: Tensor, labels: Tensor, n_classes: int) -> tuple[Tensor, int]:
        """Return centres of semi-supervised k-means: seen classes keep their labelled examples (Vaze et al. 2022)."""
        means, present = class_means(labeled, labels, n_classes)
        seen = means[present]
        place = (present.cumsum(0) - 1)[labels]
        start = nearest(pool, seen)
        order = farthest_first(
            start, self.novel, lambda index: square_distances(pool, pool[index, None])[:, 0], keep_start=True
        )
        centres = torch.cat([seen, pool[order]])
        points = torch.cat([labeled, pool])
        for _ in range(self.iterations):
            member = F.one_hot(torch.cat([place, assign(pool, centres)]), len(centres)).to(points)
            counts = member.sum(dim=0)[:, None]
            centres = torch.where(counts > 0, member.T @ points / counts.clamp_min(1), centres)
        return centres, len(seen)


@dataclass(frozen=True)
class NoveltyEntropy(NoveltyStrategy):
    """Query what looks like an unknown class, the most uncertain first, Novel-Entropy (Ma et al. 2024, ActiveGCD).

    The paper's classifier has outputs for classes that nobody has named; the common network has none, so the posterior
    here is a softmax over squared distances to the centres of a semi-supervised k-means with `novel` free centres,
    which start farthest first. `select` asks for k / `novel` (rounded down) of each novel class and then for the most
    uncertain of the other novel ones, as the authors' program does; where that stops for lack of novel examples, it
    goes on with seen classes. The score and the values of sets are ours.

    Formula: 1[argmax is novel] + H(p) / (2 log C'), C' seen and novel classes together; p_c in proportion to
        exp(-||f - m_c||^2 / s), s the mean over the pool of the squared distance to the nearest centre
    Sets: the mean over the set's examples
    Cost: O(iterations (n_labeled + N') C' d)
    Source: Ma, Zhu, Zhong, Zhang, Liu 2024, Active generalized category discovery, CVPR
    """

    results_version: ClassVar[int] = 2

    def _uncertainty(self, posterior: Tensor) -> Tensor:
        entropy: Tensor = torch.special.entr(posterior).sum(dim=1)
        return entropy / torch.log(posterior.new_tensor(posterior.shape[1]))


@dataclass(frozen=True)
class NoveltyMargin(NoveltyStrategy):
    """Query what looks like an unknown class, the smallest margin first, Novel-Margin (Ma et al. 2024, ActiveGCD).

    The posterior is that of `novelty-entropy`: a softmax over squared distances to the centres of a semi-supervised
    k-means with `novel` free centres, in place of a classifier with outputs for unnamed classes. `select` asks for
    k / `novel` of each novel class first, as there. The score and the values of sets are ours.

    Formula: 1[argmax is novel] + (1 - (p_(1) - p_(2))) / 2
    Sets: the mean over the set's examples
    Cost: O(iterations (n_labeled + N') C' d), C' seen and novel classes together
    Source: Ma, Zhu, Zhong, Zhang, Liu 2024, Active generalized category discovery, CVPR
    """

    results_version: ClassVar[int] = 2

    def _uncertainty(self, posterior: Tensor) -> Tensor:
        best = posterior.topk(2, dim=1).values
        return 1 - (best[:, 0] - best[:, 1])
