"""BatchBALD: the information that a whole batch of labels gives about the network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from albench import Query
from albench_strategies.dropout import DropoutStrategy, entropy
from albench_strategies.numerics.geometry import CHUNK_ELEMENTS


@dataclass(frozen=True)
class BatchBald(DropoutStrategy):
    """Query the batch whose labels together tell most about which dropout network is right (Kirsch et al. 2019).

    Formula: H(y_1..y_K) - sum_i mean_t H(p_t(x_i)), with p(y_1..y_K) = mean_t prod_i p_t(y_i | x_i)
    Sets: the joint mutual information of the set's labels, its joint entropy over all label configurations while
        those are at most `configurations`, else estimated with as many drawn from it
    Cost: O(N' T C d) for the posteriors, O(n_sets K C T configurations) for sets, O(k N' C T configurations) to select
    Source: Kirsch, van Amersfoort, Gal 2019, BatchBALD, NeurIPS
    """

    results_version: ClassVar[int] = 1

    configurations: Annotated[int, Ge(1)] = 200

    def score(self, query: Query) -> Tensor:
        """Return the mutual information of each example alone, (n_pool,), which is BALD's."""
        posteriors = self.posteriors(query)
        return entropy(posteriors.mean(dim=0)) - entropy(posteriors).mean(dim=0)

    def score_sets(self, query: Query) -> Tensor:
        """Return each set's joint mutual information in nats, (n_sets,), at most log T."""
        posteriors = self.posteriors(query).double()
        size = query.sets.shape[1]
        exact = query.n_classes**size <= self.configurations
        uniform = torch.rand((self.configurations, size), generator=query.generator, dtype=torch.float64)
        step = max(1, CHUNK_ELEMENTS // (self.configurations * size * query.n_classes))
        information = [
            _enumerated(posteriors, part) if exact else _estimated(posteriors, part, uniform.to(query.device))
            for part in torch.split(query.sets, step)
        ]
        return torch.cat(information)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples picked greedily by joint mutual information, (min(k, n_pool),)."""
        posteriors = self.posteriors(query).double()
        conditional = entropy(posteriors).mean(dim=0)
        given = posteriors.new_ones(1, len(posteriors))  # (M, T): p(configuration | network)
        weights = posteriors.new_ones(1)  # (M,), summing to 1
        taken = torch.zeros_like(conditional)
        chosen = []
        for _ in range(min(k, len(conditional))):
            index = int((_joint_entropies(posteriors, given, weights) - conditional - taken).argmax())
            chosen.append(index)
            taken[index] = torch.inf
            given, weights = self._extended(posteriors[:, index], given, weights, query.generator)
        return torch.tensor(chosen, dtype=torch.int64, device=query.device)

    def _extended(
        self, posterior: Tensor, given: Tensor, weights: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Extend each configuration by each class of one example; draw from them when they are too many."""
        before = given.mean(dim=1)
        extended = given[:, None] * posterior.T  # (M, C, T)
        grown = (weights / before)[:, None] * extended.mean(dim=2)
        given, weights = extended.flatten(0, 1), grown.flatten()
        if len(weights) > self.configurations:
            drawn = torch.multinomial(weights.cpu(), self.configurations, replacement=True, generator=generator)
            given = given[drawn.to(given.device)]
            weights = torch.full_like(given[:, 0], 1 / self.configurations)
        kept = given.mean(dim=1) > 0
        return given[kept], weights[kept]


def _joint_entropies(posteriors: Tensor, given: Tensor, weights: Tensor) -> Tensor:
    """Return the joint entropy of the configurations and each example's label, (n_pool,)."""
    share = weights / given.mean(dim=1)
    step = max(1, CHUNK_ELEMENTS // (len(given) * posteriors.shape[2]))
    found = []
    for part in torch.split(posteriors, step, dim=1):
        joint = torch.einsum("mt,tnc->mnc", given / len(posteriors), part)
        found.append(torch.einsum("m,mn->n", share, torch.special.entr(joint).sum(dim=2)))
    return torch.cat(found)


def _log_likelihoods(posteriors: Tensor, sets: Tensor, labels: Tensor) -> Tensor:
    """Return log p(labels | network), (n_sets, T, M), for label configurations (n_sets, M, K)."""
    classes = posteriors.shape[2]
    logs = posteriors.clamp_min(1e-30).log()[:, sets].permute(1, 0, 2, 3).flatten(2)  # (n_sets, T, K C)
    chosen = F.one_hot(labels, classes).to(logs).flatten(2)  # (n_sets, M, K C)
    return logs @ chosen.transpose(1, 2)


def _enumerated(posteriors: Tensor, sets: Tensor) -> Tensor:
    every = list(product(range(posteriors.shape[2]), repeat=sets.shape[1]))
    labels = torch.tensor(every, dtype=torch.int64, device=sets.device).expand(len(sets), -1, -1)
    joint = entropy(_log_likelihoods(posteriors, sets, labels).exp().mean(dim=1))
    return joint - entropy(posteriors).mean(dim=0)[sets].sum(dim=1)


def _estimated(posteriors: Tensor, sets: Tensor, uniform: Tensor) -> Tensor:
    """Estimate the information as the mean of log p(y | network) - log p(y) over configurations y.

    Networks take turns to draw them, by inverting their posteriors at the same uniform numbers for every set, so that
    sets differ by what they hold and not by what was drawn. No term exceeds log T.
    """
    network = torch.arange(len(uniform), device=sets.device) % len(posteriors)
    bounds = posteriors.cumsum(dim=2)[network][:, sets]  # (M, n_sets, K, C)
    labels = (uniform[:, None, :, None] > bounds[..., :-1]).sum(dim=3).transpose(0, 1)
    logs = _log_likelihoods(posteriors, sets, labels)  # (n_sets, T, M)
    drawn = logs.gather(1, network.expand(len(sets), 1, -1))[:, 0]
    return (drawn - logs.logsumexp(dim=1)).mean(dim=1) + math.log(len(posteriors))
