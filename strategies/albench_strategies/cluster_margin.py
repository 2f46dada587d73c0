"""Cluster-Margin: small margins, spread over clusters that are found once."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from scipy.cluster.hierarchy import fcluster, linkage
from torch import Tensor

from albench import Query, Strategy
from albench_strategies.typiclust import occurrence


@dataclass(frozen=True)
class ClusterMargin(Strategy):
    """Query small margins from many clusters, rare ones first, Cluster-Margin (Citovsky et al. 2021).

    The pool of the first round is clustered once, by agglomeration with average linkage on the network's features,
    cut where clusters hold `cluster_size` examples on average, and remembered. Of the `multiple` k examples with the
    smallest margins, one of each cluster is drawn after another, round and round, clusters with fewest of these
    examples first. Pools larger than `part` are clustered in random parts of equal size, so that the distances take
    4 `part`^2 bytes, 400 MB by default. The cut
    is by size where the paper's is at a distance, so that one number does for features of any scale.

    Formula: rank by (rounds in which its cluster was drawn from before, examples of its cluster), within the `multiple`
        k smallest margins p_(1) - p_(2)
    Sets: k is K. The mean over the set's members of -r (N' + 1) - (examples of its cluster among the `multiple` K
        smallest margins) + (1 - margin) / 2; r is the members of the set in its cluster with smaller margins, N' more
        where its own is not among the `multiple` K smallest
    Cost: O(N' log N'), and once O(N' part (d + log part)) for the clusters
    Source: Citovsky, DeSalvo, Gentile, Karydas, Rajagopalan, Rostamizadeh, Kumar 2021, Batch active learning at scale,
        NeurIPS
    """

    results_version: ClassVar[int] = 1

    multiple: Annotated[float, Ge(1)] = 10.0
    cluster_size: Annotated[float, Ge(1)] = 10.0
    part: Annotated[int, Ge(2)] = 10_000

    def score(self, query: Query) -> Tensor:
        """Return the value of each example before anything is picked, float64, (n_pool,)."""
        return self._values(query, torch.arange(len(query.pool), device=query.device)[:, None])

    def score_sets(self, query: Query) -> Tensor:
        """Return the mean value of each set's members, small margins of a cluster first, float64, (n_sets,)."""
        return self._values(query, query.sets)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples drawn from one cluster after another, (min(k, n_pool),)."""
        cluster, candidates = self._clusters(query), self._smallest(margins(query), k)
        candidates = candidates[torch.randperm(len(candidates), generator=query.generator).to(query.device)]
        place = cluster[candidates]
        turn = occurrence(place)
        size = torch.bincount(place)[place]
        order = torch.arange(len(place), device=query.device)
        for key in (place, size, turn):  # the last one counts most
            order = order[key[order].argsort(stable=True)]
        return candidates[order[:k]]

    def _values(self, query: Query, sets: Tensor) -> Tensor:
        margin, cluster = margins(query), self._clusters(query)
        chosen = self._smallest(margin, sets.shape[1])
        size = torch.bincount(cluster[chosen], minlength=int(cluster.max()) + 1)[cluster]
        outside = torch.ones_like(cluster)
        outside[chosen] = 0
        place, narrow = cluster[sets], margin[sets]
        before = ((place[:, :, None] == place[:, None]) & (narrow[:, :, None] > narrow[:, None])).sum(dim=2)
        turns = before + len(margin) * outside[sets]
        return (-turns.double() * (len(margin) + 1) - size[sets] + (1 - narrow.double()) / 2).mean(dim=1)

    def _smallest(self, margin: Tensor, k: int) -> Tensor:
        """Return the examples with the `multiple` k smallest margins, smallest first."""
        return margin.argsort(stable=True)[: ceil(self.multiple * k)]

    def _clusters(self, query: Query) -> Tensor:
        """Return each pool example's cluster, (n_pool,): found in the first round, and remembered."""
        if "clusters" not in query.memory:
            found = torch.zeros(int(query.pool_ids.max()) + 1, dtype=torch.int64, device=query.device)
            found[query.pool_ids] = clustered(query.features, self.cluster_size, self.part)
            query.remember("clusters", found)
        clusters: Tensor = query.memory["clusters"][query.pool_ids]
        return clusters


def margins(query: Query) -> Tensor:
    """Return the difference of the two largest probabilities, (n_pool,); with a single output, the largest."""
    best = query.probabilities.topk(min(2, query.n_classes), dim=1).values
    return best[:, 0] - best[:, 1] if query.n_classes > 1 else best[:, 0]


def clustered(points: Tensor, cluster_size: float, part: int) -> Tensor:
    """Return each point's cluster by average linkage within parts, (n,); parts share no cluster."""
    found: list[Tensor] = []
    begin = 0
    for piece in torch.tensor_split(points, ceil(len(points) / part)):
        labels = torch.ones(len(piece), dtype=torch.int64)
        if len(piece) > 1:
            tree = linkage(piece.double().cpu().numpy(), "average")
            labels = torch.from_numpy(fcluster(tree, max(1, int(len(piece) / cluster_size)), "maxclust")).long()
        found.append(labels - 1 + begin)
        begin += int(labels.max())
    return torch.cat(found).to(points.device)
