"""Gradient strategies against autograd and against dense matrices."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import albench
from albench.contracts.query import Query
from albench_strategies.numerics.gradients import lengths
from albench_strategies.numerics.gradients.lengths import lengths_by_label
from tests.emoc.queries import WithBody, in_float64, query_of
from tests.emoc.test_emoc_layers import BODIES, STRANGE
from tests.strategies.planted import planted
from tests.strategies.rounds import Array, close, greedy_in_set, look, probe64, round64


def _gradient(network: nn.Module, image: torch.Tensor, label: int, weights: list[nn.Parameter]) -> Array:
    loss = F.cross_entropy(network(image[None]), torch.tensor([label]))
    parts = torch.autograd.grad(loss, weights, allow_unused=True)
    return np.concatenate([part.flatten().numpy() for part in parts if part is not None])


def _expected_lengths(query: Query, weights: list[nn.Parameter]) -> list[float]:
    return [
        sum(
            p[label] * float(np.linalg.norm(_gradient(query.network, image, label, weights)))
            for label in range(query.n_classes)
        )
        for image, p in zip(query.pool, look(query).p, strict=True)
    ]


def test_egl_is_the_expected_length_of_the_gradient_of_all_weights() -> None:
    query = round64(n_pool=18)
    close(albench.strategy("egl").score(query), _expected_lengths(query, list(query.network.parameters())))


def test_egl_of_the_last_layer_is_the_expected_length_of_its_gradient() -> None:
    query = round64(n_pool=18)
    close(
        albench.strategy("egl[layers=last]").score(query),
        _expected_lengths(query, list(query.network.head.parameters())),
    )


def test_egl_of_the_last_layer_keeps_its_digits_for_posteriors_near_one() -> None:
    probe = probe64(n_pool=60)
    with torch.no_grad():
        probe.network.head.weight.mul_(5)
    exact = albench.strategy("egl[layers=last]").score(probe.query())
    network, pool, labeled = copy.deepcopy(probe.network).float(), probe.pool.float(), probe.labeled.float()
    single = replace(probe, network=network, pool=pool, labeled=labeled).query()
    assert bool((single.probabilities.amax(dim=1) == 1).any())
    close(albench.strategy("egl[layers=last]").score(single), exact, rtol=1e-3, atol=0)


def test_egl_equals_autograd_on_the_common_network() -> None:
    query = albench.testing.make_query(n_pool=4, n_classes=3, n_sets=None, image_shape=(2, 9, 9))
    double = Query(
        copy.deepcopy(query.network).double(), query.pool.double(), query.labeled.double(), query.labels, None,
        query.generator,
    )  # fmt: skip
    found = lengths_by_label(double.network, double.pool)
    weights = list(double.network.parameters())
    expected = [[np.linalg.norm(_gradient(double.network, x, y, weights)) for y in range(3)] for x in double.pool]
    close(found, expected)


class Perceptron(nn.Module):
    """Three linear layers, to be changed."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(36, 8)
        self.second = nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.second(torch.relu(self.first(images.flatten(1) / 64))))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


@pytest.mark.parametrize("body", BODIES)
def test_egl_equals_autograd_without_asking_it_for_every_kind_of_layer(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, d = BODIES[body]
    query = in_float64(query_of(WithBody(build(), d), n_pool=4))
    monkeypatch.setattr(lengths, "_lengths_by_autograd", None)
    close(albench.strategy("egl").score(query), _expected_lengths(query, list(query.network.parameters())))


@pytest.mark.parametrize("kind", STRANGE)
def test_egl_takes_autograd_for_what_the_recorder_does_not_know_where_it_can(kind: str) -> None:
    build, d, message = STRANGE[kind]
    query = in_float64(query_of(WithBody(build(), d), n_pool=4))
    if kind.startswith("batch statistics") or kind == "changed in place":  # which autograd does not know either
        with pytest.raises(albench.StrategyError, match=f"{message}.*egl.layers=last"):
            albench.strategy("egl").score(query)
        assert bool(albench.strategy("egl[layers=last]").score(query).isfinite().all())
        return
    used = [value for name, value in query.network.named_parameters() if "unused" not in name]
    close(albench.strategy("egl").score(query), _expected_lengths(query, used))


def test_egl_refuses_a_network_that_is_not_finite_rather_than_ask_autograd(monkeypatch: pytest.MonkeyPatch) -> None:
    query = query_of(WithBody(BODIES["strided"][0](), 4))
    with torch.no_grad():
        query.network.head.weight.fill_(torch.inf)
    monkeypatch.setattr(lengths, "_lengths_by_autograd", None)
    with pytest.raises(albench.StrategyError, match="outputs are not finite"):
        albench.strategy("egl").score(query)


class Cosine(nn.Linear):
    """A linear layer in name only: it looks at the direction of what goes in."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(F.normalize(x, dim=1), self.weight, self.bias)


def _tied(network: Perceptron) -> None:
    network.first = nn.Linear(8, 8)
    network.first.weight = network.second.weight


def _cosine(network: Perceptron) -> None:
    network.second = Cosine(8, 8)


def _weight_normed(network: Perceptron) -> None:
    network.second = torch.nn.utils.weight_norm(network.second)
    with torch.no_grad():
        network.second.weight_g.mul_(3)  # at first the two parts have together a gradient as long as the weight's


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize("changed", [_tied, _cosine, _weight_normed])
def test_egl_takes_autograd_for_layers_that_only_look_known(changed: Callable[[Perceptron], None]) -> None:
    torch.manual_seed(0)
    network = Perceptron()
    changed(network)
    network = network.double().eval()
    images = round64(n_pool=18).pool[:3].flatten(1)[:, :8] if changed is _tied else round64(n_pool=18).pool[:3]
    weights = list(network.parameters())
    expected = [[np.linalg.norm(_gradient(network, x, y, weights)) for y in range(3)] for x in images]
    close(lengths_by_label(network, images), expected)


def test_egl_does_not_depend_on_how_the_pool_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    query = round64(n_pool=18)
    whole = albench.strategy("egl").score(query)
    monkeypatch.setattr(lengths, "IMAGES_A_CHUNK", 4)
    close(albench.strategy("egl").score(query), whole.numpy())


def _badge_gradients(query: Query) -> Array:
    """The last layer's weight gradient under the predicted label, one example at a time, by autograd."""
    found = []
    for feature in query.features:
        logits = query.network.head(feature[None])
        loss = F.cross_entropy(logits, logits.argmax(dim=1))
        found.append(torch.autograd.grad(loss, query.network.head.weight)[0].flatten().numpy())
    return np.array(found)


def test_badge_values_a_set_by_the_mean_gain_of_greedy_picks_within_it() -> None:
    query = round64(n_pool=60, set_size=6)
    g = _badge_gradients(query)
    close(albench.strategy("badge").score(query), np.sum(g**2, axis=1))
    expected = [
        greedy_in_set(
            np.sum(g[s] ** 2, axis=1), lambda i, j, s=s: float(np.sum((g[s[i]] - g[s[j]]) ** 2)), keep_start=False
        )  # type: ignore[misc]
        for s in look(query).sets
    ]
    close(albench.strategy("badge").score_sets(query), expected, rtol=1e-6)


def test_badge_draws_by_k_means_plus_plus() -> None:
    query = round64(n_pool=18)
    g = _badge_gradients(query)
    first = int(np.argmax(np.sum(g**2, axis=1)))
    weights = np.sum((g - g[first]) ** 2, axis=1)
    drawn = [albench.strategy("badge").select(query, 2).tolist() for _ in range(1500)]
    assert {pair[0] for pair in drawn} == {first}
    shares = np.bincount([pair[1] for pair in drawn], minlength=18) / len(drawn)
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.035)


@pytest.fixture
def short_gradients() -> Query:
    """A round whose gradients are all shorter than 1, and so are their differences."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(24, 6)) * rng.uniform(0.03, 0.05, size=(24, 1))
    points[12:] = 5 * points[:1] + 0.1 * points[12:]  # half of them are long and nearly the same
    sets = rng.permuted(np.tile(np.arange(24), (12, 1)), axis=1)[:, :5]
    query = planted(points, points[:3], 0.3 * rng.normal(size=(4, 6)), sets)
    assert np.linalg.norm(_badge_gradients(query), axis=1).max() < 0.7
    return query


def test_badge_tells_short_gradients_apart(short_gradients: Query) -> None:
    g = _badge_gradients(short_gradients)
    expected = [
        greedy_in_set(
            np.sum(g[s] ** 2, axis=1), lambda i, j, s=s: float(np.sum((g[s[i]] - g[s[j]]) ** 2)), keep_start=False
        )  # type: ignore[misc]
        for s in look(short_gradients).sets
    ]
    close(albench.strategy("badge").score_sets(short_gradients), expected, rtol=1e-6)


def test_badge_draws_short_gradients_by_their_squared_distances(short_gradients: Query) -> None:
    g = _badge_gradients(short_gradients)
    first = int(np.argmax(np.sum(g**2, axis=1)))
    weights = np.sum((g - g[first]) ** 2, axis=1)
    assert weights.max() < 1
    assert sum(weights < 0.1 * weights.max()) >= 8  # equal shares would be seen
    drawn = [albench.strategy("badge").select(short_gradients, 2).tolist() for _ in range(1500)]
    assert {pair[0] for pair in drawn} == {first}
    shares = np.bincount([pair[1] for pair in drawn], minlength=24) / len(drawn)
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.035)
