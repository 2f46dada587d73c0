"""BAIT against dense matrices: every gradient by autograd, every trace by inverting what was gathered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import albench
from albench.contracts.query import Query
from tests.strategies.rounds import Array, close, look, round64

FISHERS = ["full", "binary"]


def _information(query: Query, features: torch.Tensor, fisher: str) -> Array:
    """The expected outer product of an example's gradient over the labels it may have, (n, size, size)."""
    found = []
    for feature in features:
        if fisher == "binary":  # the logit of its being the predicted class, as a linear function of the features
            p = float(torch.softmax(query.network.head(feature), dim=0).detach().max())
            weight = (feature * np.log(p / (1 - p)) / feature.square().sum()).detach().requires_grad_()
            loss = F.softplus(torch.stack([-weight @ feature, weight @ feature]))
            chances = [p, 1 - p]
        else:
            weight = query.network.head.weight
            loss = -torch.log_softmax(query.network.head(feature), dim=0)
            chances = loss.neg().exp().tolist()
        gradients = [torch.autograd.grad(term, weight, retain_graph=True)[0].flatten().numpy() for term in loss]
        found.append(sum(chance * np.outer(g, g) for chance, g in zip(chances, gradients, strict=True)))
    return np.array(found)


class Dense:
    """What is left unexplained after choosing, by the weights of the authors' code."""

    def __init__(self, query: Query, fisher: str, ridge: float = 1.0) -> None:
        self.pool = _information(query, query.features, fisher)
        self.labeled = _information(query, query.labeled_features, fisher)
        self.every = np.concatenate([self.pool, self.labeled]).mean(axis=0)
        self.ridge = ridge * np.eye(len(self.every))

    def trace(self, members: Sequence[int], k: int) -> float:
        n = len(self.labeled)
        before = self.labeled.mean(axis=0) * n / (n + k)
        gathered = self.ridge + before + self.pool[list(members)].sum(axis=0) * k / (n + k)
        return float(np.trace(np.linalg.inv(gathered) @ self.every))

    def select(self, k: int) -> list[int]:
        chosen: list[int] = []
        for _ in range(2 * k):
            rest = [i for i in range(len(self.pool)) if i not in chosen]
            chosen.append(min(rest, key=lambda i: self.trace([*chosen, i], k)))
        for _ in range(k):
            chosen.remove(min(chosen, key=lambda i: self.trace([j for j in chosen if j != i], k)))
        return chosen


@pytest.mark.parametrize("fisher", FISHERS)
def test_bait_is_the_fall_of_the_trace_by_dense_matrices(fisher: str) -> None:
    query = round64(n_pool=18, n_classes=3, n_novel=1, n_sets=3)
    strategy, dense = albench.strategy(f"bait[fisher={fisher}]"), Dense(query, fisher)
    expected = [dense.trace([], 3) - dense.trace(members, 3) for members in look(query).sets]
    close(strategy.score_sets(query), expected)
    close(strategy.score(query), [dense.trace([], 1) - dense.trace([i], 1) for i in range(18)])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fisher", FISHERS)
def test_bait_selects_forward_and_then_backward_as_the_authors_do(fisher: str, seed: int) -> None:
    query = round64(n_pool=14, set_size=1, n_classes=3, n_novel=1, seed=seed)
    assert albench.strategy(f"bait[fisher={fisher}]").select(query, 3).tolist() == Dense(query, fisher).select(3)


def test_bait_asks_about_sets_of_any_number_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    query = round64(n_pool=36, n_sets=6)
    whole = albench.strategy("bait").score_sets(query)
    monkeypatch.setattr("albench_strategies.bait.CHUNK_ELEMENTS", 1)
    close(albench.strategy("bait").score_sets(query), whole.numpy())


def test_bait_refuses_matrices_that_no_machine_holds_and_names_the_other_form(monkeypatch: pytest.MonkeyPatch) -> None:
    query = round64(n_pool=14, set_size=1, n_classes=3, n_novel=1)
    rows = query.features.shape[1] * query.probabilities.shape[1]
    monkeypatch.setattr("albench_strategies.bait.LARGEST", rows)
    albench.strategy("bait").score(query)
    monkeypatch.setattr("albench_strategies.bait.LARGEST", rows - 1)
    with pytest.raises(albench.StrategyError, match=f"a matrix of {rows} rows, .* choose fisher=binary"):
        albench.strategy("bait").select(query, 2)
    albench.strategy("bait[fisher=binary]").select(query, 2)
