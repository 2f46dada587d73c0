"""Novelty-aware uncertainty: what looks like an unknown class first, and of that the uncertain (ActiveGCD)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from albench import Query, Strategy
from albench_strategies.numerics.clustering import assign
from albench_strategies.numerics.geometry import Cloud, farthest_first, nearest, square_distances
from albench_strategies.outliers import class_means
from albench_strategies.typiclust import occurrence


@dataclass(frozen=True)
class NoveltyStrategy(Strategy):
    """Rank what is predicted to be novel before what is not, and by uncertainty within; `_uncertainty` says which.

    Novel is a centre that no class has, or a class of `_found`.
    """

    novel: Annotated[int, Ge(1)] = 10  # classes that may still be hidden in the pool
    iterations: Annotated[int, Ge(1)] = 10

    def score(self, query: Query) -> Tensor:
        """Return 1 for what is predicted novel plus half of what is wanted within, in [0, 1], (n_pool,)."""
        posterior, novel = self._posterior(query)
        return novel[posterior.argmax(dim=1)] + self._wanted(query, posterior) / 2

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples, (min(k, n_pool),): of each novel class k / `novel`, then the other novel ones."""
        posterior, novel = self._posterior(query)
        predicted, wanted = posterior.argmax(dim=1), self._wanted(query, posterior)
        order = wanted.argsort(descending=True, stable=True)
        turn = torch.empty_like(predicted)
        turn[order] = occurrence(predicted[order])
        rank = torch.where(novel[predicted], (turn >= k // self.novel).long(), 2)
        return (wanted / 2 - rank).argsort(descending=True, stable=True)[:k]

    def _wanted(self, query: Query, posterior: Tensor) -> Tensor:
        """Return what orders the examples that are alike in novelty, (n_pool,), in [0, 1]."""
        del query
        return self._uncertainty(posterior)

    def _found(self, query: Query) -> Tensor:
        """Return which classes with labels count as novel all the same, (n_classes,)."""
        return torch.zeros(query.n_classes, dtype=torch.bool, device=query.device)

    def _uncertainty(self, posterior: Tensor) -> Tensor:
        raise NotImplementedError

    def _posterior(self, query: Query) -> tuple[Tensor, Tensor]:
        """Return the posterior over seen and hidden classes, (n_pool, C'), and which of them are novel, (C',)."""
        pool, labeled = query.features.double(), query.labeled_features.double()
        means, present = class_means(labeled, query.labels, query.n_classes)
        found = self._found(query)[present]
        n_hidden = max(self.novel - int(found.sum()), 0)
        place = (present.cumsum(0) - 1)[query.labels]
        centres = self._centres(pool, labeled, means[present], place, n_hidden)
        squares = square_distances(pool, centres)
        scale = squares.amin(dim=1).mean().clamp_min(torch.finfo(squares.dtype).tiny)
        posterior = torch.softmax(-(squares - squares.amin(dim=1, keepdim=True)) / scale, dim=1)
        return posterior, F.pad(found, (0, len(centres) - len(found)), value=True)

    def _centres(self, pool: Tensor, labeled: Tensor, seen: Tensor, place: Tensor, n_hidden: int) -> Tensor:
        """Return centres of semi-supervised k-means: seen classes keep their labelled examples (Vaze et al. 2022)."""
        start = nearest(pool, seen)
        order = farthest_first(start, n_hidden, Cloud(pool).squares_to, keep_start=True)
        centres = torch.cat([seen, pool[order]])
        points = torch.cat([labeled, pool])
        for _ in range(self.iterations):
            member = F.one_hot(torch.cat([place, assign(pool, centres)]), len(centres)).to(points)
            counts = member.sum(dim=0)[:, None]
            centres = torch.where(counts > 0, member.T @ points / counts.clamp_min(1), centres)
        return centres


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


@dataclass(frozen=True)
class AdaptiveNovel(NoveltyMargin):
    """Query what looks novel, the surest first and later the uncertain, Adaptive-Novel (Ma et al. 2024, ActiveGCD).

    Before round `adaptive_round` the largest margin is asked for, since clusters nobody has labelled mislead where they
    are uncertain; from then on the smallest one, as by `novelty-margin`. The rule, and round 2 as its default, are
    those of the authors' code (mashijie1028/ActiveGCD), which counts rounds from 1 and needs no number of rounds. As
    there, novel is every class without initial labels: one that a query has found stays novel, and takes one of the
    `novel` centres. A departure: the posterior is that of `novelty-margin`, since the common network has no outputs for
    unnamed classes and is not trained on the pool. `select` asks for k / `novel` of each novel class first, as by
    `novelty-margin`. Their rounds label 100 images: with smaller ones a later round may suit.

    Formula: 1[argmax is novel] + m / 2 before round `adaptive_round`, then 1[argmax is novel] + (1 - m) / 2, with m =
        p_(1) - p_(2)
    Sets: the mean over the set's examples
    Cost: O(iterations (n_labeled + N') C' d), C' seen and hidden classes together
    Source: Ma, Zhu, Zhong, Zhang, Liu 2024, Active generalized category discovery, CVPR
    """

    results_version: ClassVar[int] = 1

    adaptive_round: Annotated[int, Ge(1)] = 2

    def _wanted(self, query: Query, posterior: Tensor) -> Tensor:
        uncertainty = self._uncertainty(posterior)
        return uncertainty if query.round >= self.adaptive_round else 1 - uncertainty

    def _found(self, query: Query) -> Tensor:
        initial, seen = (
            torch.bincount(labels, minlength=query.n_classes) > 0
            for labels in (query.labels[query.history == 0], query.labels)
        )
        return seen & ~initial
