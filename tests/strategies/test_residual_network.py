"""Gradient strategies on a small residual network with batch norm in eval mode, against autograd in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import albench
from albench.contracts.query import Query
from tests.emoc import oracle
from tests.emoc.queries import in_float64, query_of
from tests.strategies.rounds import Array, close
from tests.strategies.test_mlmoc import _expected as retrained


@pytest.fixture
def query() -> Query:
    network = albench.network("resnet8[width=2]").build((2, 8, 8), 3, albench.stream(0, "residual"))
    found = in_float64(query_of(network, n_pool=6, n_labeled=3))
    assert any(type(module) is torch.nn.BatchNorm2d for module in found.network.modules())
    return found


def gradients(query: Query, label: int | None, of: list[torch.nn.Parameter]) -> Array:
    """The gradient of each pool image's loss, one after another; of its own predicted label where none is given."""
    rows = []
    for image in query.pool:
        logits = query.network(image[None])
        own = logits.argmax(dim=1) if label is None else torch.tensor([label])
        parts = torch.autograd.grad(F.cross_entropy(logits, own), of)
        rows.append(torch.cat([part.flatten() for part in parts]).numpy())
    return np.array(rows)


@pytest.mark.parametrize("softmax", [False, True])
def test_emoc_on_a_residual_network_equals_autograd(query: Query, softmax: bool) -> None:
    output = "softmax" if softmax else "logits"
    scores = albench.strategy(f"emoc[tolerance=0,output={output}]").score_sets(query)
    images = torch.cat([query.labeled, query.pool])
    expected = [oracle.set_score(query.network, images, query.pool[members], "set", softmax) for members in query.sets]
    torch.testing.assert_close(scores, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-12)


def test_egl_on_a_residual_network_equals_autograd(query: Query) -> None:
    p = torch.cat([query.network(image[None]).softmax(dim=1) for image in query.pool]).detach().numpy()
    weights = list(query.network.parameters())
    lengths = np.array([np.linalg.norm(gradients(query, label, weights), axis=1) for label in range(3)])
    close(albench.strategy("egl").score(query), (p * lengths.T).sum(axis=1))


def test_badge_on_a_residual_network_equals_autograd(query: Query) -> None:
    g = gradients(query, None, [query.network.head.weight])
    squares = (g**2).sum(axis=1)
    close(albench.strategy("badge").score(query), squares)
    expected = [(max(squares[s]) + ((g[s[0]] - g[s[1]]) ** 2).sum()) / 2 for s in query.sets.numpy()]
    close(albench.strategy("badge").score_sets(query), expected)


def test_mlmoc_on_a_residual_network_equals_the_retrained_linearisation_by_autograd(query: Query) -> None:
    close(albench.strategy("mlmoc[ridge=0.1]").score(query), retrained(query, 0.1), rtol=1e-6)
