"""PowerBALD: a batch drawn with probability proportional to a power of BALD's score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt
from torch import Tensor

from albench import Query
from albench_strategies.dropout import Bald

LEAST = 1e-12  # nats, taken for the information of an example that has none


@dataclass(frozen=True)
class PowerBald(Bald):
    """Query what is drawn, without replacement, in proportion to BALD's score to the power `beta` (Kirsch et al. 2023).

    The greater `beta`, the more is asked for what BALD asks for; near 0 it asks at random. The best k of scores with
    Gumbel noise are such a draw, and draws are not as alike as BALD's top k.

    Formula: log I + G / beta, I = H(mean_t p_t) - mean_t H(p_t) of at least 1e-12, G = -log(-log U), U uniform
    Sets: log of the mean of I over the set's examples, with one G for the whole set, so that a set is drawn in
        proportion to a power of BALD's value of it
    Cost: O(N' T C d), and T forward passes where the network has dropout layers
    Source: Kirsch, Farquhar, Atighehchian, Jesson, Branchaud-Charron, Gal 2023, Stochastic batch acquisition: a simple
        baseline for deep active learning, TMLR
    """

    results_version: ClassVar[int] = 1

    beta: Annotated[float, Gt(0)] = 1.0

    def score(self, query: Query) -> Tensor:
        """Return the perturbed logarithm of each example's mutual information, (n_pool,)."""
        return self._perturbed(super().score(query), query.generator)

    def score_sets(self, query: Query) -> Tensor:
        """Return the perturbed logarithm of each set's mean mutual information, (n_sets,)."""
        return self._perturbed(super().score(query)[query.sets].mean(dim=1), query.generator)

    def _perturbed(self, information: Tensor, generator: torch.Generator) -> Tensor:
        uniform = torch.rand(len(information), generator=generator, dtype=torch.float64)
        gumbel = -(-uniform.clamp_min(torch.finfo(uniform.dtype).tiny).log()).log()
        return information.double().clamp_min(LEAST).log() + gumbel.to(information.device) / self.beta
