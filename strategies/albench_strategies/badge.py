"""BADGE: k-means++ on the gradients that the network's own labels would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from albench import Query, Strategy
from albench_strategies.numerics.geometry import no_diagonal, set_greedy_gains
from albench_strategies.numerics.gradients.last_layer import residuals


@dataclass(frozen=True)
class Badge(Strategy):
    """Query large and different gradients of the last layer, BADGE (Ash et al. 2020).

    The gradient of the loss by the last layer's weights under the predicted label is the outer product of
    a = p - onehot(argmax p) and the features f; squared distances come from the factors, so that the gradients of
    n_classes x d numbers are never built. Selecting draws by k-means++, the largest gradient first.

    Formula: D(x)^2 = min over picked s of ||a_x f_x^T - a_s f_s^T||_F^2
    Sets: the mean D^2 at which the set's members are picked farthest first, the squared length for the first one;
        labelled examples play no part, as in the paper
    Cost: O(n_sets K^2 (d + C)) for sets, O(k N' (d + C)) to select
    Source: Ash, Zhang, Krishnamurthy, Langford, Agarwal 2020, Deep batch active learning by diverse, uncertain
        gradient lower bounds, ICLR
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return the squared length of each example's gradient, (n_pool,)."""
        return _residuals(query).square().sum(dim=1) * query.features.square().sum(dim=1)

    def score_sets(self, query: Query) -> Tensor:
        """Return the mean greedy squared distance of each set, (n_sets,)."""
        a, features = _residuals(query)[query.sets], query.features[query.sets]
        lengths = self.score(query)[query.sets]
        products = (a @ a.transpose(1, 2)) * (features @ features.transpose(1, 2))
        within = (lengths[:, :, None] + lengths[:, None] - 2 * products).clamp_min_(0)
        return set_greedy_gains(no_diagonal(within), lengths, keep_start=False)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples drawn by k-means++, (min(k, n_pool),)."""
        a, features, lengths = _residuals(query), query.features, self.score(query)
        chosen = [int(lengths.argmax())]
        gains = torch.full_like(lengths, torch.inf)
        free = torch.ones_like(lengths)
        while len(chosen) < min(k, len(lengths)):
            last = chosen[-1]
            free[last] = 0
            products = (a @ a[last]) * (features @ features[last])
            gains = gains.minimum((lengths + lengths[last] - 2 * products).clamp_min(0))
            weights = (gains * free).double()
            weights = weights if float(weights.sum()) > 0 else free.double()
            chosen.append(int(torch.multinomial(weights.cpu(), 1, generator=query.generator)))
        return torch.tensor(chosen, dtype=torch.int64, device=query.device)


def _residuals(query: Query) -> Tensor:
    """Return p - onehot(argmax p), (n_pool, n_classes)."""
    return residuals(query.probabilities, query.probabilities.argmax(dim=1))
