"""Query by committee: heads trained on resampled labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor
from torch.nn import functional as F

from albench import Query, Strategy
from albench_strategies.numerics.heads import fitted_heads, standardised


@dataclass(frozen=True)
class QueryByCommittee(Strategy):
    """Query where a committee disagrees: heads trained by bagging (Seung et al. 1992; McCallum & Nigam 1998).

    Each member is a linear softmax head on the network's features, scaled to unit variance, fitted to a bootstrap
    sample of the labelled examples (query by bagging, Abe & Mamitsuka 1998) with `steps` of accelerated gradient
    descent. The features are the common network's, so that no network is trained. Bagging stands for the paper's draws
    from the posterior of a naive Bayes model, and its weighting by the density of the pool is left out.

    Formula: mean_m KL(p_m || mean_m p_m), in nats
    Sets: the mean over the set's examples
    Cost: O(steps members n_labeled C d + members N' C d)
    Source: McCallum, Nigam 1998, Employing EM and pool-based active learning for text classification, ICML
    """

    results_version: ClassVar[int] = 1

    members: Annotated[int, Ge(2)] = 8
    ridge: Annotated[float, Gt(0)] = 1e-2  # on the heads' weights
    steps: Annotated[int, Ge(1)] = 100

    def score(self, query: Query) -> Tensor:
        """Return the mean divergence from the consensus, (n_pool,), in [0, log min(members, n_classes)]."""
        labeled, pool = standardised(query.labeled_features.double(), query.features.double())
        heads = self._heads(labeled, query)
        posteriors = torch.softmax(pool @ heads, dim=2)  # (members, n_pool, C)
        consensus, each = (torch.special.entr(p).sum(dim=-1) for p in (posteriors.mean(dim=0), posteriors))
        divergence: Tensor = (consensus - each.mean(dim=0)).clamp_min(0)
        return divergence

    def _heads(self, inputs: Tensor, query: Query) -> Tensor:
        """Return each member's weights, (members, d + 1, C), fitted to a sample with replacement."""
        n = len(inputs)
        drawn = torch.randint(n, (self.members, n), generator=query.generator).to(query.device)
        counts = inputs.new_zeros(self.members, n).scatter_add_(1, drawn, inputs.new_ones(self.members, n))
        return fitted_heads(
            inputs, F.one_hot(query.labels, query.n_classes).double(), counts / n, self.ridge, self.steps
        )
