"""BatchBALD and PowerBALD against their definitions, by enumerating label configurations and by counting draws."""

from __future__ import annotations

from itertools import permutations, product
from math import log

import numpy as np
import pytest
import torch

import albench
from albench.contracts.query import Query
from albench_strategies.batchbald import _Configurations
from albench_strategies.power_bald import PowerBald
from tests.strategies.rounds import Array, close, look, round64
from tests.strategies.test_dropout import T, entropy, posteriors


def _joint_information(p: Array) -> float:
    """The mutual information of all labels and the network, by enumerating label configurations; p is (T, K, C)."""
    joint = 0.0
    for labels in product(range(p.shape[2]), repeat=p.shape[1]):
        chance = float(np.mean([np.prod([p[t, i, c] for i, c in enumerate(labels)]) for t in range(len(p))]))
        joint -= chance * log(chance)
    return joint - sum(float(np.mean([entropy(q) for q in p[:, i]])) for i in range(p.shape[1]))


def test_batchbald_is_the_joint_mutual_information_of_a_set() -> None:
    p = posteriors(round64())
    expected = [_joint_information(p[:, members]) for members in look(round64()).sets]
    close(albench.strategy(f"batchbald[samples={T}]").score_sets(round64()), expected)


def test_batchbald_estimates_come_closer_with_more_configurations() -> None:
    query = round64(n_pool=60, n_sets=8, set_size=5)  # 4^5 = 1024 configurations
    p = posteriors(query)
    expected = np.array([_joint_information(p[:, members]) for members in look(query).sets])

    def error(configurations: int) -> float:
        text = f"batchbald[samples={T},configurations={configurations}]"
        found = albench.strategy(text).score_sets(round64(n_pool=60, n_sets=8, set_size=5))
        return float(np.sqrt(np.mean((found.numpy() - expected) ** 2)))

    assert error(900) < 0.05
    assert error(900) < error(9)


def test_batchbald_selects_greedily_by_joint_information() -> None:
    p = posteriors(round64(n_pool=10, set_size=1))
    chosen: list[int] = []
    for _ in range(3):
        rest = [i for i in range(10) if i not in chosen]
        chosen.append(max(rest, key=lambda i: _joint_information(p[:, [*chosen, i]])))
    found = albench.strategy(f"batchbald[samples={T}]").select(round64(n_pool=10, set_size=1), 3)
    assert found.tolist() == chosen


def _grown(joint: Array, p: Array) -> Array:
    """p_t of each label configuration, (T, M), with each label of one more example of posterior (T, C)."""
    return (joint[:, :, None] * p[:, None]).reshape(len(p), -1)


def _information(joint: Array, p: Array) -> float:
    """What the configurations tell of the network; p, (T, K, C), of the examples in them."""
    chances = joint.mean(axis=0)
    return float(-np.sum(chances * np.log(chances)) + np.sum(p * np.log(p), axis=(1, 2)).mean())


def _greedy(p: Array, k: int) -> list[int]:
    """The greedy choice by all label configurations."""
    chosen: list[int] = []
    joint = np.ones((len(p), 1))
    for _ in range(k):
        rest = [i for i in range(p.shape[1]) if i not in chosen]
        chosen.append(max(rest, key=lambda i: _information(_grown(joint, p[:, i]), p[:, [*chosen, i]])))
        joint = _grown(joint, p[:, chosen[-1]])
    return chosen


def _told(p: Array, chosen: list[int]) -> float:
    joint = np.ones((len(p), 1))
    for i in chosen:
        joint = _grown(joint, p[:, i])
    return _information(joint, p[:, chosen])


@pytest.mark.parametrize("seed", range(4))
def test_batchbald_selects_what_tells_as_much_as_the_exactly_greedy_choice_and_more_than_bald(seed: int) -> None:
    """3^8 configurations of the picks are many times what the strategy draws; all of them judge it."""

    def query() -> Query:
        return round64(n_pool=40, set_size=1, n_classes=3, n_novel=1, seed=seed)

    p = posteriors(query(), 20)
    told = _told(p, albench.strategy("batchbald[samples=20]").select(query(), 8).tolist())
    assert told > 0.999 * _told(p, _greedy(p, 8))
    assert told > 1.01 * _told(p, albench.strategy("bald[samples=20]").select(query(), 8).tolist())


def test_batchbald_draws_configurations_that_leave_each_network_as_likely_as_before_on_average() -> None:
    """What the labels say of the networks, averaged over the labels, is what was known; few drawn ones keep it so."""
    posterior = torch.tensor([[0.1, 0.1, 0.8], [0.3, 0.1, 0.6], [0.05, 0.05, 0.9]], dtype=torch.float64)
    prior = torch.tensor([[0.5, 0.2, 0.3], [0.1, 0.8, 0.1]], dtype=torch.float64)
    seen = _Configurations(prior, torch.tensor([0.4, 0.6], dtype=torch.float64))
    generator = torch.Generator().manual_seed(0)
    drawn = [seen.extended(posterior, 4, generator) for _ in range(4000)]
    means = torch.stack([one.weights @ one.networks for one in drawn])
    errors = means.std(dim=0) / len(drawn) ** 0.5
    assert torch.all((means.mean(dim=0) - seen.weights @ prior).abs() < 4 * errors)
    assert torch.all(errors < 0.002)


def test_batchbald_picks_are_the_greedy_ones_wherever_the_pool_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("albench_strategies.batchbald.BLOCK_ELEMENTS", 1)
    query, p = round64(n_pool=30, set_size=1, seed=1), posteriors(round64(n_pool=30, set_size=1, seed=1), 9)
    assert albench.strategy("batchbald[samples=9]").select(query, 5).tolist() == _greedy(p, 5)


def test_batchbald_tells_sets_apart_that_leave_little_doubt_of_the_network() -> None:
    """All near the most that six networks can be told apart, log 6: what is left of doubt must not be noise."""
    shape = {"n_pool": 60, "n_sets": 12, "set_size": 6}
    p = posteriors(_sharp(**shape))
    expected = np.array([_told(p, members.tolist()) for members in look(_sharp(**shape)).sets])
    found = albench.strategy(f"batchbald[samples={T}]").score_sets(_sharp(**shape)).numpy()
    assert np.all(found <= log(T))
    np.testing.assert_allclose(log(T) - found, log(T) - expected, rtol=0.25)


def _sharp(**shape: int) -> Query:
    query = round64(**shape)
    with torch.no_grad():
        query.network.head.weight.mul_(4)
    return query


def _fixed(monkeypatch: pytest.MonkeyPatch, query: Query) -> Array:
    """Let the strategy see the same networks at each draw; return BALD's scores of them."""
    p = posteriors(query)
    monkeypatch.setattr(PowerBald, "posteriors", lambda *_: torch.from_numpy(p))
    return np.array([entropy(q.mean(axis=0)) - float(np.mean([entropy(r) for r in q])) for q in p.transpose(1, 0, 2)])


@pytest.mark.parametrize("beta", [1, 3])
def test_power_bald_is_the_log_of_bald_with_gumbel_noise(beta: int) -> None:
    query, again = round64(), round64()
    p = posteriors(again).transpose(1, 0, 2)
    bald = np.array([entropy(q.mean(axis=0)) - float(np.mean([entropy(r) for r in q])) for q in p])
    gumbel = -np.log(-np.log(torch.rand(len(p), generator=again.generator, dtype=torch.float64).numpy()))
    close(albench.strategy(f"power-bald[samples={T},beta={beta}]").score(query), np.log(bald) + gumbel / beta)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_power_bald_draws_pairs_in_proportion_to_a_power_of_bald(beta: float, monkeypatch: pytest.MonkeyPatch) -> None:
    query = round64(n_pool=5, set_size=1, n_novel=1)
    weights = _fixed(monkeypatch, query) ** beta
    strategy, n_draws = PowerBald(beta=beta), 4000
    drawn = [tuple(strategy.select(query, 2).tolist()) for _ in range(n_draws)]
    for i, j in permutations(range(5), 2):
        chance = weights[i] / weights.sum() * weights[j] / (weights.sum() - weights[i])
        assert abs(drawn.count((i, j)) / n_draws - chance) < 4.5 * np.sqrt(chance * (1 - chance) / n_draws)


def test_power_bald_draws_sets_in_proportion_to_their_mean_of_bald(monkeypatch: pytest.MonkeyPatch) -> None:
    query = round64(n_pool=12, n_sets=4, set_size=2)
    weights = _fixed(monkeypatch, query)[look(query).sets].mean(axis=1)
    best = [int(PowerBald().score_sets(query).argmax()) for _ in range(4000)]
    shares = np.bincount(best, minlength=4) / len(best)
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.035)


def test_power_bald_never_draws_what_tells_nothing_while_there_is_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query = round64(n_pool=5, set_size=1, n_novel=1)
    p = torch.from_numpy(posteriors(query))
    p[:, 1:3] = p[:1, 1:3]  # all networks agree on two of the five
    monkeypatch.setattr(PowerBald, "posteriors", lambda *_: p)
    assert {i for _ in range(200) for i in PowerBald().select(query, 3).tolist()} == {0, 3, 4}
    assert sorted(PowerBald().select(query, 5).tolist()) == [0, 1, 2, 3, 4]
