"""Strategies that look at the posterior p, the softmax of the current network, and at nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor

from albench import Query, Strategy


@dataclass(frozen=True)
class LeastConfident(Strategy):
    """Query where the highest posterior is lowest, -max p (Kaeding et al. 2016, "min").

    The paper's Results speak of the "lowest maximal classification score", which is the default. The literal
    reading of its Baselines sentence, the lowest minimum class score, is ``score=minimum``: -min p.

    Formula: -max_c p_c
    Sets: the mean over the set's examples
    Cost: O(N' C)
    Source: Lewis, Gale 1994, A sequential algorithm for training text classifiers, SIGIR
    """

    results_version: ClassVar[int] = 1

    extreme: Literal["maximum", "minimum"] = field(default="maximum", metadata={"parameter": "score"})

    def score(self, query: Query) -> Tensor:
        """Return -max p (or -min p), (n_pool,), in [-1, 0]."""
        reduce = torch.amax if self.extreme == "maximum" else torch.amin
        return -reduce(query.probabilities, dim=1)


@dataclass(frozen=True)
class Margin(Strategy):
    """Query where the two highest posteriors are closest, -(p1 - p2) (Kaeding et al. 2016, "1-vs-2").

    With a single class the margin is that class's posterior.

    Formula: -(p_(1) - p_(2))
    Sets: the mean over the set's examples
    Cost: O(N' C)
    Source: Scheffer, Decomain, Wrobel 2001, Active hidden Markov models for information extraction, IDA
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return -(p1 - p2), (n_pool,), in [-1, 0]."""
        best = query.probabilities.topk(min(2, query.n_classes), dim=1).values
        return -(best[:, 0] - best[:, 1]) if query.n_classes > 1 else -best[:, 0]


@dataclass(frozen=True)
class MostConfident(Strategy):
    """Query where the highest posterior is highest, max p (Kaeding et al. 2016, "max").

    Formula: max_c p_c
    Sets: the mean over the set's examples
    Cost: O(N' C)
    Source: Kaeding, Rodner, Freytag, Denzler 2016, Active and continuous exploration with deep neural networks and
        expected model output changes, arXiv:1612.06129
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return max p, (n_pool,), in [0, 1]."""
        return query.probabilities.amax(dim=1)


@dataclass(frozen=True)
class Entropy(Strategy):
    """Query where the posterior is most uncertain as a whole, its entropy (Shannon 1948; Settles 2009).

    Formula: -sum_c p_c log p_c, in nats
    Sets: the mean over the set's examples
    Cost: O(N' C)
    Source: Settles 2009, Active learning literature survey, University of Wisconsin-Madison, TR 1648
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return the posterior's entropy, (n_pool,), in [0, log n_classes]."""
        entropy: Tensor = torch.special.entr(query.probabilities).sum(dim=1)
        return entropy
