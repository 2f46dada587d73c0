from __future__ import annotations

import numpy as np
import pytest
import torch

import albench
from albench.testing import make_query

FORMULAS = {
    "min": lambda p: -p.max(axis=1),
    "min[score=minimum]": lambda p: -p.min(axis=1),
    "1vs2": lambda p: -(np.sort(p)[:, -1] - np.sort(p)[:, -2]),
    "max": lambda p: p.max(axis=1),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_posterior_strategies_equal_their_formulas(text: str) -> None:
    query = make_query(n_pool=40, n_classes=7, image_shape=(1, 8, 8))
    query.network.head.weight.data *= 3000  # posteriors that differ
    logits = query.network(query.pool).detach().double().numpy()
    posterior = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = FORMULAS[text](posterior)
    strategy = albench.strategy(text)
    np.testing.assert_allclose(strategy.score(query).numpy(), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        strategy.score_sets(query).numpy(), expected[query.sets.numpy()].mean(axis=1), rtol=1e-4, atol=1e-6
    )
    best = strategy.select(query, 5).numpy()
    assert np.array_equal(best, np.argsort(-strategy.score(query).numpy(), kind="stable")[:5])


def test_a_single_class_has_a_margin() -> None:
    query = make_query(n_pool=4, n_classes=1, n_sets=None, image_shape=(1, 8, 8))
    assert albench.strategy("1vs2").score(query).tolist() == [-1.0] * 4


def test_random_wants_each_set_equally_often() -> None:
    wins = [
        int(
            albench.strategy("random")
            .score_sets(make_query(n_pool=10, n_sets=4, set_size=2, image_shape=(1, 8, 8), seed=s))
            .argmax()
        )
        for s in range(200)
    ]
    assert np.all(np.abs(np.bincount(wins, minlength=4) - 50) < 5 * np.sqrt(200 * 3 / 16))


def test_select_returns_all_when_the_pool_is_smaller_than_k() -> None:
    query = make_query(n_pool=3, n_sets=None, image_shape=(1, 8, 8))
    for name in ("random", "min"):
        assert sorted(albench.strategy(name).select(query, 10).tolist()) == [0, 1, 2]


def test_a_query_computes_one_forward_pass_however_much_is_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    query = make_query(n_pool=30, image_shape=(1, 8, 8))
    calls = []
    features = query.network.features
    monkeypatch.setattr(query.network, "features", lambda x: calls.append(len(x)) or features(x))
    for name in ("min", "1vs2", "max"):
        albench.strategy(name).score_sets(query)
    assert torch.equal(query.logits, query.network.head(query.features))
    assert calls == [30]
