"""DropQuery: what represents the examples whose prediction does not survive dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor

from albench import Query
from albench_strategies.clusters import WeightedKMeansStrategy
from albench_strategies.numerics.clustering import kmeans, representatives


@dataclass(frozen=True)
class DropQuery(WeightedKMeansStrategy):
    """Query what represents the examples whose class changes under dropout of the features (Gupte et al. 2024).

    An example is a candidate where more than half of `samples` passes predict another class than the whole features
    do; each pass drops units of each example by itself. With fewer candidates than asked for, those that disagree
    next most often join them. The paper's features are a frozen foundation model's; these are the classifier's, unless
    the scenario is of features, and its head sees them without the batch norm that theirs has. The paper starts
    k-means by drawing; here nothing is drawn there.

    Formula: centres minimise the sum over candidates x of min_c ||f(x) - c||^2; the candidate nearest to each is asked
        for. x is a candidate where sum_m 1[argmax h(f(x) * b_m / (1 - `rate`)) != argmax h(f(x))] > `samples` / 2, b_m
        keeping each unit with probability 1 - `rate`
    Sets: -mean over the candidates of min over the set's members s of ||f(x) - f(s)||^2, the cost with members as
        centres
    Cost: O(samples N' C d + 36 N' k d) to select, O(N'^2 d + n_sets K N') for sets
    Source: Gupte, Aklilu, Nirschl, Yeung-Levy 2024, Revisiting active learning in the era of vision foundation models,
        TMLR
    """

    results_version: ClassVar[int] = 2

    samples: Annotated[int, Ge(1)] = 3
    rate: Annotated[float, Gt(0), Lt(1)] = 0.75

    def weights(self, query: Query) -> Tensor:
        """Return 1 for candidates and 0 for others, (n_pool,); the most disagreeing are candidates if nobody is."""
        return self._candidates(query, 1).to(query.features)

    def select(self, query: Query, k: int) -> Tensor:
        """Return the candidates nearest to k centres, (min(k, n_pool),)."""
        candidates = torch.nonzero(self._candidates(query, k))[:, 0]
        points = query.features[candidates]
        centres, _ = kmeans(points, k)
        return candidates[representatives(points, centres, k)]

    def _candidates(self, query: Query, k: int) -> Tensor:
        """Return whether each example is a candidate, (n_pool,); min(k, n_pool) are at least."""
        disagreements = self._disagreements(query)
        kth = disagreements.sort(descending=True).values[min(k, len(disagreements)) - 1]
        return disagreements >= kth.clamp_max(self.samples // 2 + 1)

    def _disagreements(self, query: Query) -> Tensor:
        """Return how many passes predict another class than the whole features do, (n_pool,)."""
        features = query.features
        found = torch.zeros(len(features), dtype=torch.int64, device=query.device)
        with torch.no_grad():
            for _ in range(self.samples):
                kept = torch.rand(features.shape, generator=query.generator) >= self.rate
                logits = query.network.head(features * kept.to(query.device) / (1 - self.rate))
                found += logits.argmax(dim=1) != query.logits.argmax(dim=1)
        return found
