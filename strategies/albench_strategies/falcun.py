"""FALCUN: uncertainty and diversity, both in the space of posteriors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from albench import Query, Strategy


@dataclass(frozen=True)
class Falcun(Strategy):
    """Query what is uncertain and unlike what was picked, FALCUN (Gilhuber et al. 2024).

    Selecting draws each example with a probability proportional to its relevance to the power `gamma`. For this the
    authors' program rescales v to [0, 1] over what is not picked yet, and so does `select`; scores and sets leave v
    on its own scale. Values of sets are ours.

    Formula: relevance = u + v; u = 1 - (p_(1) - p_(2)); v is u at first, then the L1 distance of the posterior to the
        nearest picked one, never more than before
    Sets: the mean relevance of the set's members when the most relevant of them is picked again and again, v left on
        its own scale, since rescaling would look beyond the set
    Cost: O(N' C + n_sets K^2 C) for sets, O(k N' C) to select
    Source: Gilhuber, Beer, Ma, Seidl 2024, FALCUN: a simple and efficient deep active learning strategy, ECML PKDD
    """

    results_version: ClassVar[int] = 2

    gamma: Annotated[float, Ge(0)] = 10.0

    def score(self, query: Query) -> Tensor:
        """Return twice the margin uncertainty, (n_pool,), in [0, 2]: the relevance before anything is picked."""
        return 2 * _uncertainty(query)

    def score_sets(self, query: Query) -> Tensor:
        """Return the mean greedy relevance of each set, (n_sets,), in [0, 2]."""
        uncertainty = _uncertainty(query)[query.sets]
        members = query.probabilities[query.sets]
        diversity, total = uncertainty.clone(), torch.zeros_like(uncertainty[:, 0])
        rows = torch.arange(len(members), device=query.device)
        free = torch.zeros_like(uncertainty)
        for _ in range(members.shape[1]):
            best = (uncertainty + diversity + free).max(dim=1)
            total += best.values
            free[rows, best.indices] = -torch.inf
            picked = members[rows, best.indices]
            diversity = diversity.minimum((members - picked[:, None]).abs().sum(dim=2))
        return total / members.shape[1]

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples drawn by relevance, (min(k, n_pool),)."""
        posteriors, uncertainty = query.probabilities, _uncertainty(query)
        diversity, free = uncertainty.clone(), torch.ones_like(uncertainty, dtype=torch.bool)
        chosen: list[int] = []
        for _ in range(min(k, len(uncertainty))):
            relevance = torch.where(free, uncertainty + _rescaled(diversity, free), 0)
            index = _draw(relevance.double(), free, self.gamma, query.generator)
            chosen.append(index)
            free[index] = False
            diversity = diversity.minimum(torch.cdist(posteriors, posteriors[index, None], p=1)[:, 0])
        return torch.tensor(chosen, dtype=torch.int64, device=query.device)


def _uncertainty(query: Query) -> Tensor:
    best = query.probabilities.topk(min(2, query.n_classes), dim=1).values
    return 1 - (best[:, 0] - best[:, 1]) if query.n_classes > 1 else 1 - best[:, 0]


def _rescaled(diversity: Tensor, free: Tensor) -> Tensor:
    """Return what takes the `free` examples' least to 0 and their most to 1, (n,); all 0 where they are equal."""
    blocked = torch.where(free, 0, torch.inf)  # faster than to gather the free ones
    least, most = (diversity + blocked).amin(), (diversity - blocked).amax()
    return (diversity - least) / (most - least if float(most) > float(least) else 1)


def _draw(relevance: Tensor, free: Tensor, gamma: float, generator: torch.Generator) -> int:
    """Return an index drawn with probability proportional to relevance ** gamma, uniformly when all are 0."""
    top = float(relevance.amax())
    weights = (relevance / top) ** gamma * free if top > 0 else free.double()
    return int(torch.multinomial(weights.cpu(), 1, generator=generator))
