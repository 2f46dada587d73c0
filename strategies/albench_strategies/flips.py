"""How often the predicted class of an example has changed from round to round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from albench import Query, Strategy

UNSEEN = -(2**62)  # of an example that has not been predicted yet


@dataclass(frozen=True)
class PredictionFlips(Strategy):
    """Query where the predicted class changed most often over the rounds, after FALSE (Benkert et al. 2022).

    The paper counts the switches of an example's prediction from epoch to epoch of a round's training; here, where a
    strategy sees the network once a round, they are counted from round to round of the whole cell. In the first round
    nothing has changed yet, and the least confident examples are asked for.

    Formula: flips(x) + 1 - max_c p_c(x), flips the number of rounds whose prediction differs from the one before; the
    second part, below 1, orders examples of equal counts
    Sets: the mean score of the set's examples
    Cost: O(N' C), and 16 bytes of memory for each pool example
    Source: Benkert, Prabhushankar, AlRegib 2022, Forgetful active learning with switch events: efficient sampling for
    out-of-distribution data, ICIP; events after Toneva et al. 2019, An empirical study of example forgetting, ICLR
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return the changes so far, and less than 1 for the lack of confidence, (n_pool,)."""
        ids, n_ids = query.pool_ids, int(query.pool_ids.max()) + 1
        nothing = torch.full((n_ids,), UNSEEN, device=query.device)
        predicted: Tensor = query.memory.get("predicted", nothing).clone()
        flips: Tensor = query.memory.get("flips", torch.zeros_like(nothing)).clone()
        now = class_names(query)[query.logits.argmax(dim=1)]
        flips[ids] += (predicted[ids] != UNSEEN) & (predicted[ids] != now)
        predicted[ids] = now
        query.remember("predicted", predicted)
        query.remember("flips", flips)
        return flips[ids] + (1 - query.probabilities.amax(dim=1))


def class_names(query: Query) -> Tensor:
    """Return a number for each output that names its class in every round, int64, (n_classes,).

    An output's place may change when classes are found, and the place of its first labelled example does not.
    """
    places = torch.arange(len(query.labels), device=query.device)
    nobody = -1 - torch.arange(query.n_classes, device=query.device)
    return nobody.scatter_reduce(0, query.labels, places, "amin", include_self=False)
