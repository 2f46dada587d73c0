"""The networks on features: their layers, and every strategy asked on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import albench
from albench.contracts.query import Query
from albench.contracts.strategy import has_score, ranks_sets, selects
from albench.testing import NetworkContract
from albench_strategies import OWN
from tests.emoc import oracle

NETWORKS = ("linear", "mlp[hidden=16]")
STRATEGIES = [name for name in sorted(OWN) if albench.strategy(name).permission != "all labels"]  # which is not asked


class TestLinear(NetworkContract):
    @pytest.fixture
    def network(self) -> albench.Network:
        return albench.network("linear")


class TestMlp(NetworkContract):
    @pytest.fixture
    def network(self) -> albench.Network:
        return albench.network("mlp")


def query(name: str, permitted: bool = False) -> Query:
    """A round of 40 pool examples and 20 labelled ones of four classes, of 12 features."""
    draws = albench.stream(0, "features of a test")
    labels = draws.integers(4, size=60)
    inputs = torch.from_numpy((2 * draws.normal(size=(4, 12))[labels] + draws.normal(size=(60, 12))).astype(np.float32))
    hidden = torch.from_numpy(labels)
    module = albench.network(name).build((12,), 4, albench.stream(0, "network of a test"))
    with torch.no_grad():
        module.head.weight.mul_(30)
    sets = torch.from_numpy(np.stack([draws.permutation(40)[:5] for _ in range(6)]))
    generator = torch.Generator().manual_seed(1)
    return Query(
        module.eval(), inputs[:40], inputs[40:], hidden[40:], sets, generator, hidden[:40] if permitted else None
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_the_logits_are_those_of_the_formula(name: str) -> None:
    asked = query(name)
    weights = {key: value.double() for key, value in asked.network.state_dict().items()}
    x = asked.pool.double()
    if "hidden.weight" in weights:
        x = (x @ weights["hidden.weight"].T + weights["hidden.bias"]).clamp(min=0)
    torch.testing.assert_close(asked.features.double(), x, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        asked.logits.double(), x @ weights["head.weight"].T + weights["head.bias"], rtol=1e-5, atol=1e-5
    )


def test_weights_begin_at_the_scales_that_are_said_and_biases_at_zero() -> None:
    module = albench.network("mlp").build((400,), 50, albench.stream(0, "test"))
    assert module.hidden.weight.std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert module.head.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not module.hidden.bias.any()
    assert not module.head.bias.any()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_answers_on_features(name: str, strategy: str) -> None:
    component = albench.strategy(strategy)

    def asked() -> Query:
        return query(name, component.permission is not None)

    if has_score(component):
        assert torch.isfinite(component.score(asked())).all()
    if ranks_sets(component):
        scores = component.score_sets(asked())
        assert scores.shape == (6,)
        assert torch.isfinite(scores).all()
    if selects(component):
        assert len(set(component.select(asked(), 7).tolist())) == 7


@pytest.mark.parametrize("name", NETWORKS)
def test_emoc_on_features_equals_the_float64_oracle(name: str) -> None:
    asked = query(name)
    scores = albench.strategy("emoc[tolerance=0]").score_sets(asked)
    inputs = torch.cat([asked.labeled, asked.pool])
    expected = [oracle.set_score(asked.network, inputs, asked.pool[members], "set") for members in asked.sets]
    torch.testing.assert_close(scores.double(), torch.tensor(expected).double(), rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_egl_on_features_is_the_expected_length_of_the_gradient(name: str) -> None:
    asked = query(name)
    network = asked.network.double()
    expected = []
    for x in asked.pool[:8].double():
        logits = network(x[None])
        probabilities = logits.softmax(dim=1)[0].detach()
        lengths = []
        for label in range(4):
            loss = F.cross_entropy(logits, torch.tensor([label]))
            parts = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True)
            lengths.append(torch.cat([part.flatten() for part in parts]).norm())
        expected.append((probabilities * torch.stack(lengths)).sum())
    scores = albench.strategy("egl").score(query(name))[:8]
    torch.testing.assert_close(scores.double(), torch.stack(expected), rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_images_are_refused_with_their_size(name: str) -> None:
    with pytest.raises(albench.RequestError, match="it takes features, and the scenario gives images of 1 x 8 x 8"):
        albench.network(name).check_input((1, 8, 8))
