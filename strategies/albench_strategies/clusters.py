"""Strategies that cluster the pool with k-means and ask for what represents it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt
from torch import Tensor

from albench import Query, Strategy
from albench_strategies.numerics.clustering import kmeans, representatives
from albench_strategies.numerics.geometry import cover_of_sets, singletons, square_distances


@dataclass(frozen=True)
class WeightedKMeansStrategy(Strategy):
    """Query the examples nearest to the centres of a weighted k-means; `weights` says what counts."""

    def weights(self, query: Query) -> Tensor:
        """Return what each pool example weighs, (n_pool,), at least 0 and not all 0."""
        return torch.ones_like(query.features[:, 0])

    def score(self, query: Query) -> Tensor:
        """Return the value of each example as a set of its own, (n_pool,), at most 0."""
        return self._values(query, singletons(len(query.pool), query.device))

    def score_sets(self, query: Query) -> Tensor:
        """Return minus the k-means cost of the pool with each set's members as centres, (n_sets,), at most 0."""
        return self._values(query, query.sets)

    def select(self, query: Query, k: int) -> Tensor:
        """Return the examples nearest to k centres, (min(k, n_pool),)."""
        centres, _ = kmeans(query.features, k, self.weights(query))
        return representatives(query.features, centres, k)

    def _values(self, query: Query, sets: Tensor) -> Tensor:
        points, weights = query.features, self.weights(query)
        share = weights / weights.sum()
        if sets.shape[1] == 1:  # in closed form: the spread around the mean, and the mean's distance
            mean = (share @ points)[None]
            to_mean = square_distances(points, mean)[:, 0]
            return -(to_mean + share @ to_mean)[sets[:, 0]]
        return -cover_of_sets(lambda part: square_distances(points, points[part]), share, sets, "least")


@dataclass(frozen=True)
class KMeans(WeightedKMeansStrategy):
    """Query the examples nearest to the centres of k-means on the pool's features (Zhdanov 2019, without weights).

    Nothing is drawn: k-means starts from points spread over the shares of its cost (`clustering.spread_out`), and an
    example that is nearest to two centres is taken for the first, the next nearest for the second.

    Formula: centres minimise mean_x min_c ||f(x) - c||^2; the example nearest to each is asked for
    Sets: -mean over the pool of min over the set's members s of ||f(x) - f(s)||^2, the cost with members as centres
    Cost: O(36 N' k d) to select, O(N'^2 d + n_sets K N') for sets
    Source: Zhdanov 2019, Diverse mini-batch active learning, arXiv:1901.05954
    """

    results_version: ClassVar[int] = 3


@dataclass(frozen=True)
class Clue(WeightedKMeansStrategy):
    """Query what represents the uncertain part of the pool: k-means weighted by entropy, CLUE (Prabhu et al. 2021).

    The authors add 10^-8 to each probability, so that a confident example keeps a trace of weight, and draw the start
    of k-means; here it is spread over the shares of the weighted cost (`clustering.spread_out`), and nothing is drawn.
    Their paper sets `temperature` by data set, 1 or 0.1; the default here is 1. With a single output, every
    example weighs the same.

    Formula: centres minimise sum_x H(p_T(x) + 10^-8) min_c ||f(x) - c||^2, p_T the softmax at `temperature` T
    Sets: minus that cost, divided by sum_x H, with the set's members as centres
    Cost: O(36 N' k d) to select, O(N'^2 d + n_sets K N') for sets
    Source: Prabhu, Chandrasekaran, Saenko, Hoffman 2021, Active domain adaptation via clustering ..., ICCV
    """

    results_version: ClassVar[int] = 3

    temperature: Annotated[float, Gt(0)] = 1.0

    def weights(self, query: Query) -> Tensor:
        """Return the entropy of the posterior at the temperature, (n_pool,)."""
        posterior = torch.softmax(query.logits / self.temperature, dim=1) + 1e-8
        entropy = -(posterior * posterior.log()).sum(dim=1)
        return entropy if query.n_classes > 1 else torch.ones_like(entropy)
