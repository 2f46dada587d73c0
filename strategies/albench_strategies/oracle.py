"""Reference lines: one knows the answers, one need not ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from albench import Query, Strategy


@dataclass(frozen=True)
class OracleNovel(Strategy):
    """Query classes that are not found yet, then those with fewest labels: the fastest discovery there can be.

    Not a strategy that anybody could use: it is shown the pool's labels, and its results note that permission. Ties
    are broken at random.

    Formula: -(number of labelled examples of the class, 0 for one that is not found) + uniform in [0, 1)
    Sets: the mean over the set's examples, with one uniform number for the whole set
    Cost: O(N')
    Source: a reference line, not published
    """

    results_version: ClassVar[int] = 1
    permission: ClassVar[Literal["pool labels", "all labels"] | None] = "pool labels"

    def score(self, query: Query) -> Tensor:
        """Return minus the number of labels of each example's class plus a number in [0, 1), (n_pool,)."""
        return self._needs(query) + torch.rand(len(query.pool), generator=query.generator).to(query.device)

    def score_sets(self, query: Query) -> Tensor:
        """Return minus the mean number of labels of each set's classes plus a number in [0, 1), (n_sets,)."""
        draws = torch.rand(len(query.sets), generator=query.generator).to(query.device)
        return self._needs(query)[query.sets].mean(dim=1) + draws

    def _needs(self, query: Query) -> Tensor:
        counts = torch.bincount(query.labels, minlength=query.n_classes).to(torch.float32)
        unfound = torch.zeros_like(counts[:1])
        return -torch.cat([counts, unfound])[query.pool_labels]  # -1 is the last


@dataclass(frozen=True)
class AllLabels(Strategy):
    """Label everything at once: what the learner reaches when it is trained on the initial set and the whole pool.

    Not a strategy but the line that all of them rise towards. Its one round takes the whole pool, and a network of all
    classes is trained on it as the initial one is. An upper bound in spirit only: a learner with a fixed number of
    iterations may do better on fewer, well chosen labels.

    Formula: 0 for every example; nothing is chosen
    Sets: 0
    Cost: none to ask; one initial training on all labels
    Source: a reference line, usual in the field
    """

    results_version: ClassVar[int] = 1
    permission: ClassVar[Literal["pool labels", "all labels"] | None] = "all labels"

    def score(self, query: Query) -> Tensor:
        """Return 0 for each example, (n_pool,): nobody asks."""
        return torch.zeros(len(query.pool), device=query.device)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples, (min(k, n_pool),): as none is wanted more, by the mean of their inputs."""
        return query.pool.flatten(start_dim=1).double().mean(dim=1).argsort()[:k]
