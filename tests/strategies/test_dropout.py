"""Dropout strategies against their formulas, with the masks drawn again one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from math import log

import numpy as np
import pytest
import torch
from torch import nn

import albench
from albench.contracts.query import Query
from albench.errors import StrategyError
from albench_strategies.dropout import Bald
from tests.strategies.rounds import Array, close, look, probe64, round64

T = 6


def entropy(p: Array) -> float:
    return -sum(q * log(q) for q in p if q > 0)


def posteriors(query: Query, samples: int = T) -> Array:
    """p_t(c | x) of dropout at rate .5 on the features, (samples, n_pool, C), one sample and one example at a time."""
    seen = look(query)
    weight, bias = query.network.head.weight.detach().numpy(), query.network.head.bias.detach().numpy()
    masks = torch.rand((samples, seen.f.shape[1]), generator=query.generator).numpy() >= 0.5
    found = np.empty((samples, len(seen.f), len(bias)))
    for t, x in product(range(samples), range(len(seen.f))):
        z = weight @ (seen.f[x] * masks[t] * 2) + bias
        found[t, x] = np.exp(z) / np.exp(z).sum()
    return found


def _bald(p: Array) -> float:
    return entropy(p.mean(axis=0)) - float(np.mean([entropy(q) for q in p]))


def _votes(p: Array) -> float:
    return 1 - Counter(int(np.argmax(q)) for q in p).most_common(1)[0][1] / len(p)


def _check(name: str, formula: Callable[[Array], float]) -> None:
    expected = [formula(p) for p in posteriors(round64()).transpose(1, 0, 2)]
    close(albench.strategy(f"{name}[samples={T}]").score(round64()), expected)


def test_bald_is_the_mutual_information_of_label_and_network() -> None:
    _check("bald", _bald)


def test_variation_ratios_is_the_share_of_votes_against_the_winner() -> None:
    _check("variation-ratios", _votes)


def test_mean_std_is_the_mean_over_classes_of_the_spread_over_networks() -> None:
    _check("mean-std", lambda p: float(np.mean([np.sqrt(np.mean((c - c.mean()) ** 2)) for c in p.T])))


def test_entropy_dropout_is_the_entropy_of_the_mean_posterior() -> None:
    _check("entropy-dropout", lambda p: entropy(p.mean(axis=0)))


def test_min_dropout_is_minus_the_largest_mean_posterior() -> None:
    _check("min-dropout", lambda p: -max(p.mean(axis=0)))


def test_1vs2_dropout_is_minus_the_margin_of_the_mean_posterior() -> None:
    _check("1vs2-dropout", lambda p: sorted(p.mean(axis=0))[-2] - sorted(p.mean(axis=0))[-1])


class WithDropout(nn.Module):
    def __init__(self, inner: nn.Module, layer: nn.Module) -> None:
        super().__init__()
        self.convolution, self.linear, self.head = inner.convolution, inner.linear, inner.head
        self.norm, self.drop = nn.BatchNorm2d(4).double(), layer

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.linear(self.drop(self.norm(self.convolution(images))).flatten(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


def _with(layer: nn.Module) -> Query:
    probe = probe64()
    return replace(probe, network=WithDropout(probe.network, layer).eval()).query()


@pytest.mark.parametrize(("layer", "shape"), [(nn.Dropout(0.4), (4, 3, 3)), (nn.Dropout2d(0.4), (4, 1, 1))])
def test_dropout_layers_switch_and_batch_norm_does_not(layer: nn.Module, shape: tuple[int, ...]) -> None:
    query = _with(layer)
    found = Bald(samples=T).posteriors(query)
    again, network = _with(layer), query.network
    for t in range(T):
        mask = (torch.rand((1, *shape), generator=again.generator) >= 0.4) / 0.6
        hidden = network.norm(network.convolution(query.pool)) * mask
        close(found[t], torch.softmax(network.head(network.linear(hidden.flatten(1))), dim=1).detach())
    assert not network.training
    assert float(network.norm.running_mean.abs().sum()) == 0, "batch norm saw no batch"


def test_a_kind_of_dropout_that_cannot_be_held_fixed_is_named() -> None:
    with pytest.raises(StrategyError, match="has a AlphaDropout layer, which cannot be held fixed"):
        albench.strategy("bald").score(_with(nn.AlphaDropout(0.4)))
