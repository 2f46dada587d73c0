"""Passive learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from albench import Query, Strategy


@dataclass(frozen=True)
class Random(Strategy):
    """Query one of the candidate sets, uniformly: passive learning, the line that others must beat.

    Formula: uniform in [0, 1)
    Sets: one number for the whole set, so that each is as likely as another
    Cost: O(N') or O(n_sets)
    Source: the baseline of every comparison
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return independent uniform numbers, (n_pool,)."""
        return torch.rand(len(query.pool), generator=query.generator).to(query.device)

    def score_sets(self, query: Query) -> Tensor:
        """Return independent uniform numbers, (n_sets,)."""
        return torch.rand(len(query.sets), generator=query.generator).to(query.device)
