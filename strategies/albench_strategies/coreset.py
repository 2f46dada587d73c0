"""Core-set selection by k-center greedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from albench import Query, Strategy
from albench_strategies.numerics.geometry import (
    Cloud,
    farthest_first,
    nearest,
    set_greedy_gains,
    within_sets,
)


@dataclass(frozen=True)
class Coreset(Strategy):
    """Query what is farthest from everything labelled in feature space: k-center greedy (Sener & Savarese 2018).

    Formula: min over labelled and already picked examples s of ||f(x) - f(s)||
    Sets: the mean distance at which the set's members are picked when k-center greedy may pick only from the set
    Cost: O(N' n_labeled d + n_sets K^2 d) for sets, O(N' (n_labeled + k) d) to select
    Source: Sener, Savarese 2018, Active learning for convolutional neural networks: a core-set approach, ICLR
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return the distance to the nearest labelled example, (n_pool,), in units of the features."""
        return nearest(query.features, query.labeled_features).sqrt()

    def score_sets(self, query: Query) -> Tensor:
        """Return the mean greedy distance of each set, (n_sets,)."""
        start = self.score(query)[query.sets]
        return set_greedy_gains(within_sets(query.features, query.sets).sqrt(), start, keep_start=True)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples picked by k-center greedy, (min(k, n_pool),)."""
        cloud = Cloud(query.features)
        return farthest_first(self.score(query), k, lambda index: cloud.squares_to(index).sqrt(), True)
