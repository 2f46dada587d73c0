"""TypiClust: typical examples of clusters that have no label yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from albench import Query, Strategy
from albench_strategies.numerics.clustering import kmeans
from albench_strategies.numerics.geometry import CHUNK_ELEMENTS, square_distances


@dataclass(frozen=True)
class Typiclust(Strategy):
    """Query the most typical example of each large cluster that has no label, TypiClust (Hacohen et al. 2022).

    Features of unit norm, those of labelled images included, are clustered by k-means into n_labeled + k clusters, at
    most `max_clusters`. Clusters with fewest labels come first, then large ones, then typical examples; clusters of
    at most `min_size`, which the authors' code drops, come after all others. The paper takes self-supervised
    features, of SimCLR; these are the classifier's, unless the scenario is of features. Labels are counted
    again after each pick, where the authors' code goes on in the first order; distances are as in the paper, where
    the code takes their squares.

    Formula: typicality(x) = 1 / (mean distance to its `neighbours` nearest neighbours in its cluster, or to all others
        where it has fewer)
    Sets: k is K. The mean over the set's members of -r (N + 1) + size of the cluster + 1 / (2 + 2 mean distance); r is
        the labels in its cluster, and members of the set in it that are more typical, N + 1 more in a small cluster
    Cost: O(36 N m d + N^2 d / m), N all images and m = n_labeled + k clusters of about equal size
    Source: Hacohen, Dekel, Weinshall 2022, Active learning on a budget, ICML
    """

    results_version: ClassVar[int] = 3

    neighbours: Annotated[int, Ge(1)] = 20
    max_clusters: Annotated[int, Ge(1)] = 500
    min_size: Annotated[int, Ge(0)] = 5

    def score(self, query: Query) -> Tensor:
        """Return the value of each example before anything is picked, float64, (n_pool,)."""
        cluster, labels, sizes, typicality = self._clusters(query, 1)
        return _rank(labels[cluster], sizes[cluster], typicality, len(cluster) + len(query.labeled))

    def score_sets(self, query: Query) -> Tensor:
        """Return the mean value of each set's members, the more typical of a cluster first, float64, (n_sets,)."""
        cluster, labels, sizes, typicality = self._clusters(query, query.sets.shape[1])
        place, typical = cluster[query.sets], typicality[query.sets]
        before = (place[:, :, None] == place[:, None]) & (typical[:, :, None] < typical[:, None])
        earlier = before.sum(dim=2)
        total = len(cluster) + len(query.labeled)
        return _rank(labels[place] + earlier, sizes[place], typical, total).mean(dim=1)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples, one cluster after another, (min(k, n_pool),)."""
        cluster, labels, sizes, typicality = self._clusters(query, k)
        order = typicality.argsort(descending=True, stable=True)
        earlier = torch.zeros_like(cluster)
        earlier[order] = occurrence(cluster[order])
        total = len(cluster) + len(query.labeled)
        return _rank(labels[cluster] + earlier, sizes[cluster], typicality, total).argsort(descending=True)[:k]

    def _clusters(self, query: Query, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return each pool example's cluster, each cluster's number of labels and size, and typicality, (n_pool,).

        Small clusters have as many labels more as let them come last.
        """
        points = F.normalize(torch.cat([query.labeled_features, query.features]))
        n_labeled = len(query.labeled)
        centres, place = kmeans(points, min(n_labeled + k, self.max_clusters))
        labels = torch.bincount(place[:n_labeled], minlength=len(centres))
        sizes = torch.bincount(place, minlength=len(centres))
        labels += (len(points) + 1) * (sizes <= self.min_size)
        return place[n_labeled:], labels, sizes, self._typicality(points, place)[n_labeled:]

    def _typicality(self, points: Tensor, place: Tensor) -> Tensor:
        """Return typicality in (0, 1], (n,): 1 / (1 + mean distance), which ranks as 1 / mean distance does."""
        order = place.argsort(stable=True)
        mean = torch.zeros_like(points[:, 0])
        for members in torch.split(order, torch.bincount(place).tolist()):
            if len(members) > 1:
                mean[members] = self._mean_distances(points[members])
        return 1 / (1 + mean)

    def _mean_distances(self, points: Tensor) -> Tensor:
        """Return each point's mean distance to its nearest neighbours, itself aside, (n,)."""
        near = []
        step = max(1, CHUNK_ELEMENTS // len(points))
        for start in range(0, len(points), step):
            squares = square_distances(points[start : start + step], points)
            squares.diagonal(offset=start).fill_(torch.inf)
            near.append(squares.topk(min(self.neighbours, len(points) - 1), largest=False, sorted=False).values)
        return torch.cat(near).sqrt_().mean(dim=1)


def _rank(labels: Tensor, sizes: Tensor, typicality: Tensor, total: int) -> Tensor:
    """Return one number for the order: fewest labels, then largest cluster, then most typical."""
    return -labels.double() * (total + 1) + sizes + typicality.double() / 2


def occurrence(values: Tensor) -> Tensor:
    """Return how often each value has occurred before its place, (n,)."""
    order = values.argsort(stable=True)
    counts = torch.bincount(values)
    starts = counts.cumsum(0) - counts
    result = torch.empty_like(values)
    result[order] = torch.arange(len(values), device=values.device) - starts[values[order]]
    return result
