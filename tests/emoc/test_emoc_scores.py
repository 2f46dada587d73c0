"""The fast path against the oracle."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import albench
from albench.contracts.query import Query
from albench.errors import StrategyError
from albench_strategies.emoc import exact
from albench_strategies.emoc.exact import pair_scores
from tests.emoc import oracle


class SmallNetwork(nn.Module):
    """A convolution on many positions, one on few, and two linear layers; ReLU in place on purpose."""

    def __init__(self, n_classes: int, channels: int = 2) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 3, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.LazyLinear(5),
        )
        self.head = nn.Linear(5, n_classes)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return self.body(images)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


def small_query(n_pool: int = 6, n_labeled: int = 3, n_classes: int = 3, seed: int = 0) -> Query:
    generator = torch.Generator().manual_seed(seed)
    network = SmallNetwork(n_classes)
    network(torch.zeros(1, 2, 8, 8))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    images = torch.randn(n_pool + n_labeled, 2, 8, 8, generator=generator)
    sets = torch.stack([torch.randperm(n_pool, generator=generator)[:2] for _ in range(4)])
    labels = torch.zeros(n_labeled, dtype=torch.int64)
    return Query(network.eval(), images[:n_pool], images[n_pool:], labels, sets, generator)


@pytest.mark.parametrize("output", ["logits", "softmax"])
@pytest.mark.parametrize("label", ["set", "example", "expected"])
@pytest.mark.parametrize("layers", ["all", "linear"])
def test_emoc_set_scores_equal_the_float64_oracle(output: str, label: str, layers: str) -> None:
    query = small_query()
    scores = albench.strategy(f"emoc[output={output},label={label},layers={layers}]").score_sets(query)
    images = torch.cat([query.labeled, query.pool])
    assert query.sets is not None
    expected = [
        oracle.set_score(query.network, images, query.pool[members], label, output == "softmax", layers == "linear")
        for members in query.sets
    ]
    torch.testing.assert_close(scores.double(), torch.tensor(expected).double(), rtol=1e-4, atol=0)


def test_emoc_set_scores_equal_the_oracle_on_the_common_network() -> None:
    query = albench.testing.make_query(n_pool=6, n_labeled=2, n_classes=4, n_sets=3, set_size=2, image_shape=(1, 8, 8))
    scores = albench.strategy("emoc").score_sets(query)
    images = torch.cat([query.labeled, query.pool])
    assert query.sets is not None
    expected = [oracle.set_score(query.network, images, query.pool[members], "set") for members in query.sets]
    torch.testing.assert_close(scores.double(), torch.tensor(expected).double(), rtol=1e-4, atol=0)


@given(
    n_classes=st.integers(1, 7),
    n_images=st.integers(1, 5),
    n_candidates=st.integers(1, 5),
    softmax=st.booleans(),
    explicit=st.booleans(),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=25, deadline=None)
def test_emoc_pair_scores_equal_the_oracle_whatever_the_shape_and_the_form(
    n_classes: int, n_images: int, n_candidates: int, softmax: bool, explicit: bool, seed: int
) -> None:
    query = small_query(n_pool=n_images + n_candidates, n_labeled=1, n_classes=n_classes, seed=seed)
    images, candidates = query.pool[:n_images].double(), query.pool[n_images:].double()
    labels = torch.randint(n_classes, (n_candidates,), generator=query.generator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "_explicit_is_cheaper", lambda _: explicit)
        scores = pair_scores(query.network.double(), images, candidates, labels, softmax, linear_only=False)
    expected = [
        oracle.pair_score(query.network, images, candidate, int(label), softmax, linear_only=False)
        for candidate, label in zip(candidates, labels, strict=True)
    ]
    torch.testing.assert_close(scores, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-12)


def test_emoc_scores_do_not_depend_on_how_candidates_and_products_are_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query = small_query(n_pool=23, n_labeled=20)
    whole = albench.strategy("emoc").score_sets(query)
    monkeypatch.setattr(exact, "GRADIENT_BYTES", 1)
    monkeypatch.setattr(exact, "CANDIDATES_A_CHUNK", 3)
    monkeypatch.setattr(exact, "IMAGES_A_CHUNK", 4)
    monkeypatch.setattr(exact, "GRAM_BYTES", 1)
    torch.testing.assert_close(albench.strategy("emoc").score_sets(query), whole, rtol=1e-5, atol=0)


def test_emoc_with_an_expectation_over_part_of_the_images_scores_with_those_images() -> None:
    query = small_query(n_pool=12, n_labeled=8)
    few = albench.strategy("emoc[expectation=5]").score_sets(query)
    again = albench.strategy("emoc[expectation=5]").score_sets(small_query(n_pool=12, n_labeled=8))
    assert torch.equal(few, again), "the images come from the strategy's stream"
    all_images = albench.strategy("emoc[expectation=1000]").score_sets(query)
    assert not torch.allclose(few, all_images)
    assert torch.equal(all_images, albench.strategy("emoc").score_sets(query))


def test_emoc_names_a_layer_that_it_does_not_know() -> None:
    query = small_query()
    query.network.body = nn.Sequential(query.network.body, nn.LayerNorm(5))
    with pytest.raises(StrategyError, match=r"layer 'body\.1' is a LayerNorm"):
        albench.strategy("emoc").score_sets(query)
    assert torch.isfinite(albench.strategy("emoc[layers=linear]").score_sets(query)).all()


def test_emoc_leaves_the_network_as_it_was() -> None:
    query = small_query()
    before = {name: value.clone() for name, value in query.network.state_dict().items()}
    albench.strategy("emoc").score_sets(query)
    assert all(torch.equal(before[name], value) for name, value in query.network.state_dict().items())
    assert all(parameter.requires_grad for parameter in query.network.parameters())
