"""Strategies that ask how long a gradient would be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from albench import Query, Strategy
from albench_strategies.numerics.gradients.last_layer import residual_lengths
from albench_strategies.numerics.gradients.lengths import lengths_by_label


@dataclass(frozen=True)
class ExpectedGradientLength(Strategy):
    """Query what is expected to change the weights most, EGL (Settles et al. 2008).

    Formula: sum_y p_y ||grad_theta L(x, y)||_2, theta all weights or (`layers=last`) those of the last layer
    Sets: the mean over the set's examples
    Cost: O(N' C P) in operations per position: about C backward passes over the pool, which is more than ten forward
        passes because each label an example may have gives a gradient of its own; `layers=last` is O(N' (C + d))
    Source: Settles, Craven, Ray 2008, Multiple-instance active learning, NeurIPS
    """

    results_version: ClassVar[int] = 3

    layers: Literal["all", "last"] = "all"

    def score(self, query: Query) -> Tensor:
        """Return the expected gradient length of each example, (n_pool,), at least 0."""
        p = query.probabilities
        if self.layers == "last":
            lengths = residual_lengths(p) * (query.features.square().sum(dim=1, keepdim=True) + _has_bias(query)).sqrt()
        else:
            lengths = lengths_by_label(query.network, query.pool)
        return (p * lengths).sum(dim=1)


@dataclass(frozen=True)
class GradNorm(Strategy):
    """Query where the gradient towards a uniform posterior is short, as out of distribution (Huang et al. 2021).

    Formula: -||d KL(uniform || p) / dW||_1 of the last layer = -||f||_1 sum_c |p_c - 1/C|
    Sets: the mean over the set's examples
    Cost: O(N' (C + d))
    Source: Huang, Geng, Li 2021, On the importance of gradients for detecting distributional shifts, NeurIPS
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return minus the L1 length of the gradient, (n_pool,), at most 0."""
        deviations = (query.probabilities - 1 / query.n_classes).abs().sum(dim=1)
        return -query.features.abs().sum(dim=1) * deviations


def _has_bias(query: Query) -> float:
    return 0.0 if query.network.head.bias is None else 1.0
