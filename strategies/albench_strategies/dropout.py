"""Uncertainty from dropout at query time: T networks that differ in what they drop (Gal & Ghahramani 2016)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor, nn
from torch.nn import functional as F

from albench import Query, Strategy, StrategyError

_ELEMENTWISE = (nn.Dropout,)
_CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


@dataclass(frozen=True)
class DropoutStrategy(Strategy):
    """Parameters of the strategies that use dropout at query time."""

    samples: Annotated[int, Ge(2)] = 20  # networks
    rate: Annotated[float, Gt(0), Lt(1)] = 0.5  # of dropout on the features of a network without dropout layers

    def posteriors(self, query: Query) -> Tensor:
        """Return the posterior of each of T networks for each pool example, (T, n_pool, n_classes).

        Only dropout layers switch; everything else stays in eval mode. A network without any gets dropout at `rate` on
        its features. What a network drops is the same for all examples, so that it is one network for the whole pool
        (Kirsch et al. 2019).
        """
        layers = [layer for layer in query.network.modules() if isinstance(layer, nn.modules.dropout._DropoutNd)]
        if not layers:
            return self._from_features(query)
        for layer in layers:
            if not isinstance(layer, (*_ELEMENTWISE, *_CHANNELWISE)):
                raise StrategyError(
                    f"the network has a {type(layer).__name__} layer, which cannot be held fixed over the pool; use "
                    "Dropout, Dropout1d, Dropout2d or Dropout3d"
                )
        network = copy.deepcopy(query.network)
        with torch.no_grad():
            return torch.stack([_one_sample(network, query) for _ in range(self.samples)])

    def _from_features(self, query: Query) -> Tensor:
        features = query.features
        shape = (self.samples, features.shape[1])
        kept = torch.rand(shape, generator=query.generator) >= self.rate
        masks = kept.to(features) / (1 - self.rate)
        with torch.no_grad():
            return torch.stack([torch.softmax(query.network.head(features * mask), dim=1) for mask in masks])


def _one_sample(network: nn.Module, query: Query) -> Tensor:
    with _dropping(network, query.generator):
        parts = [network(part) for part in torch.split(query.pool, query.batch_size)]
    return torch.softmax(torch.cat(parts), dim=1)


@contextmanager
def _dropping(network: nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Make each dropout layer drop one set of units from whatever goes through it."""
    masks: dict[tuple[nn.Module, tuple[int, ...]], Tensor] = {}

    def drop(layer: Any, _: Any, output: Tensor) -> Tensor:
        shape = (1, *output.shape[1:])
        if isinstance(layer, _CHANNELWISE):
            shape = (1, output.shape[1], *(1 for _ in output.shape[2:]))
        if (layer, shape) not in masks:
            kept = torch.rand(shape, generator=generator) >= layer.p
            masks[layer, shape] = kept.to(output) / max(1 - layer.p, torch.finfo(output.dtype).eps)
        return output * masks[layer, shape]

    layers = [layer for layer in network.modules() if isinstance(layer, nn.modules.dropout._DropoutNd)]
    handles = [layer.register_forward_hook(drop) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def entropy(posteriors: Tensor) -> Tensor:
    """Return the entropy over the last dimension, in nats."""
    result: Tensor = torch.special.entr(posteriors).sum(dim=-1)
    return result


@dataclass(frozen=True)
class Bald(DropoutStrategy):
    """Query where dropout networks are sure, each of something else: BALD (Houlsby et al. 2011; Gal et al. 2017).

    A network without dropout layers gets dropout at `rate` on its features. What a network drops is the same for all
    images (Kirsch et al. 2019), not drawn anew for each.

    Formula: H(mean_t p_t) - mean_t H(p_t), the mutual information of label and network
    Sets: the mean over the set's examples
    Cost: O(N' T C d), and T forward passes where the network has dropout layers
    Source: Gal, Islam, Ghahramani 2017, Deep Bayesian active learning with image data, ICML
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return the mutual information in nats, (n_pool,), in [0, log min(T, n_classes)]."""
        posteriors = self.posteriors(query)
        return entropy(posteriors.mean(dim=0)) - entropy(posteriors).mean(dim=0)


@dataclass(frozen=True)
class VariationRatios(DropoutStrategy):
    """Query where dropout networks vote for different classes (Freeman 1965; Gal 2016).

    T networks give the score few values, about T of them, and equal ones go by the pool's order. The form without
    votes, 1 - max_c mean_t p_t(c) of Gal et al. (2017), ranks as `min-dropout` does.
    A network without dropout layers gets dropout at `rate` on its features. What a network drops is the same for all
    images (Kirsch et al. 2019), not drawn anew for each.

    Formula: 1 - (votes for the class with most of them) / T
    Sets: the mean over the set's examples
    Cost: O(N' T C d), and T forward passes where the network has dropout layers
    Source: Gal 2016, Uncertainty in deep learning, thesis, University of Cambridge, section 3.3
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return the share of votes against the winner, (n_pool,), in [0, 1)."""
        votes = F.one_hot(self.posteriors(query).argmax(dim=2), query.n_classes)
        return 1 - votes.to(query.features.dtype).mean(dim=0).amax(dim=1)


@dataclass(frozen=True)
class MeanStd(DropoutStrategy):
    """Query where the posteriors of dropout networks spread most (Kampffmeyer et al. 2016).

    A network without dropout layers gets dropout at `rate` on its features. What a network drops is the same for all
    images (Kirsch et al. 2019), not drawn anew for each.

    Formula: mean_c std_t p_t(c), the standard deviation with divisor T
    Sets: the mean over the set's examples
    Cost: O(N' T C d), and T forward passes where the network has dropout layers
    Source: Kampffmeyer, Salberg, Jenssen 2016, Semantic segmentation of small objects ..., CVPR workshops
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return the mean standard deviation, (n_pool,), in [0, 1/2]."""
        return self.posteriors(query).std(dim=0, correction=0).mean(dim=1)


@dataclass(frozen=True)
class EntropyDropout(DropoutStrategy):
    """Query where the mean posterior of dropout networks is most uncertain (Gal et al. 2017, "max entropy").

    A network without dropout layers gets dropout at `rate` on its features. What a network drops is the same for all
    images (Kirsch et al. 2019), not drawn anew for each.

    Formula: H(mean_t p_t)
    Sets: the mean over the set's examples
    Cost: O(N' T C d), and T forward passes where the network has dropout layers
    Source: Gal, Islam, Ghahramani 2017, Deep Bayesian active learning with image data, ICML
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return the entropy of the mean posterior in nats, (n_pool,)."""
        return entropy(self.posteriors(query).mean(dim=0))


@dataclass(frozen=True)
class LeastConfidentDropout(DropoutStrategy):
    """Query where the mean posterior of dropout networks has the lowest maximum (Gal et al. 2017, "variation ratios").

    The paper's variation ratios, 1 - max_c p_c, with no votes; those are `variation-ratios`.
    A network without dropout layers gets dropout at `rate` on its features. What a network drops is the same for all
    images (Kirsch et al. 2019), not drawn anew for each.

    Formula: -max_c mean_t p_t(c)
    Sets: the mean over the set's examples
    Cost: O(N' T C d), and T forward passes where the network has dropout layers
    Source: Gal, Islam, Ghahramani 2017, Deep Bayesian active learning with image data, ICML
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return minus the highest mean posterior, (n_pool,), in [-1, 0]."""
        return -self.posteriors(query).mean(dim=0).amax(dim=1)


@dataclass(frozen=True)
class MarginDropout(DropoutStrategy):
    """Query where the two highest mean posteriors of dropout networks are closest.

    The margin of Scheffer et al. (2001), by the mean posterior of Gal & Ghahramani (2016), whose paper queries nothing.
    A network without dropout layers gets dropout at `rate` on its features. What a network drops is the same for all
    images (Kirsch et al. 2019), not drawn anew for each.

    Formula: -(p_(1) - p_(2)) of p = mean_t p_t; with a single class its posterior is the margin
    Sets: the mean over the set's examples
    Cost: O(N' T C d), and T forward passes where the network has dropout layers
    Source: Gal, Ghahramani 2016, Dropout as a Bayesian approximation, ICML
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return minus the margin of the mean posterior, (n_pool,), in [-1, 0]."""
        best = self.posteriors(query).mean(dim=0).topk(min(2, query.n_classes), dim=1).values
        return -(best[:, 0] - best[:, 1]) if query.n_classes > 1 else -best[:, 0]
