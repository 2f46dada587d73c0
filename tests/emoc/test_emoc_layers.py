"""Which networks the structured path scores, and what it says about the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import albench
from albench.errors import StrategyError
from albench_strategies.emoc.exact import exact_scores
from albench_strategies.emoc.forms import Form, cheapest, costs
from albench_strategies.emoc.problem import Problem
from albench_strategies.numerics.gradients.layers import Shape
from albench_strategies.numerics.gradients.recorder import Recorder
from tests.emoc import oracle
from tests.emoc.bodies import BODIES, Residual
from tests.emoc.queries import WithBody, in_float64, query_of, small_query

ALL = torch.arange(3)


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("body", BODIES)
def test_emoc_scores_equal_the_oracle_for_every_kind_of_layer(body: str, softmax: bool) -> None:
    build, d = BODIES[body]
    query = in_float64(query_of(WithBody(build(), d), n_pool=4, n_labeled=1))
    output = "softmax" if softmax else "logits"
    scores = albench.strategy(f"emoc[tolerance=0,output={output}]").score_sets(query)
    images = torch.cat([query.labeled, query.pool])
    expected = [oracle.set_score(query.network, images, query.pool[members], "set", softmax) for members in query.sets]
    torch.testing.assert_close(scores, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-12)


class Ended(WithBody):
    """A network whose head is not the end: its outputs are a function of the head's and of its input."""

    def __init__(self, end: str) -> None:
        super().__init__(nn.Sequential(nn.Flatten(), nn.Linear(128, 4), nn.Tanh()), 4, 9)
        self.end = end

    def forward(self, images: Tensor) -> Tensor:
        features = self.features(images)
        outputs = self.head(features)
        if self.end == "scaled in place":
            return outputs.mul_(2)
        if self.end == "shortcut":
            return outputs + features.sum(dim=1, keepdim=True)
        return outputs


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("body", BODIES)
def test_emoc_mixes_many_outputs_from_the_heads_inputs_and_equals_the_oracle(body: str, softmax: bool) -> None:
    build, d = BODIES[body]
    query = in_float64(query_of(WithBody(build(), d, n_classes=d + 3), n_pool=3, n_labeled=1))
    problem = Problem(Recorder(query.network, False), query.pool, query.pool, ALL, ALL, softmax)
    *below, head = problem.shapes()
    assert {(shape.functions, shape.rows) for shape in below} == {(d, d + 3)}, "a backward pass an input of the head"
    assert (head.functions, head.rows) == (d + 3, d + 3)
    expected = [oracle.pair_score(query.network, query.pool, query.pool[i], i, softmax, False) for i in range(3)]
    scores = exact_scores(problem)
    torch.testing.assert_close(scores, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("end", "passes"), [("", 4), ("scaled in place", 9), ("shortcut", 9)])
def test_emoc_mixes_outputs_only_where_they_are_the_heads(end: str, passes: int) -> None:
    query = in_float64(query_of(Ended(end), n_pool=3, n_labeled=1))
    problem = Problem(Recorder(query.network, False), query.pool, query.pool, ALL, ALL, softmax=False)
    assert problem.shapes()[0].functions == passes
    expected = [oracle.pair_score(query.network, query.pool, query.pool[i], i, False, False) for i in range(3)]
    scores = exact_scores(problem)
    torch.testing.assert_close(scores, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("body", BODIES)
def test_emoc_narrowed_gradients_are_the_gradients_over_a_basis_of_each_layers_inputs(body: str) -> None:
    build, d = BODIES[body]
    query = in_float64(query_of(WithBody(build(), d), n_pool=3, n_labeled=1))
    problem = Problem(Recorder(query.network, False), query.pool, query.pool, ALL, ALL, softmax=False)
    draws = torch.Generator().manual_seed(0)
    bases = {
        place: torch.randn(shape.width, 2, generator=draws, dtype=torch.float64)
        for place, shape in enumerate(problem.shapes())
    }
    expected = [
        torch.einsum("ngtfp,ngtd,dk->fngkp", found.deltas, found.patches, bases[place]).flatten(2)
        for place, found in enumerate(problem.jacobian(query.pool))
    ]
    whole, narrowed = problem.narrowed_jacobian(query.pool, bases)
    assert not whole
    for found, wanted in zip(narrowed, expected, strict=True):
        torch.testing.assert_close(found.products, wanted)


@pytest.mark.parametrize("body", ["pooled", "pooled-after-relu", "pooled-besides", "strided"])
def test_emoc_narrowed_gradients_are_those_of_autograd(body: str) -> None:
    """One output and one image at a time; a convolution's inputs are in the order height, width, channel, bias."""
    build, d = BODIES[body]
    query = in_float64(query_of(WithBody(build(), d), n_pool=3, n_labeled=1))
    problem = Problem(Recorder(query.network, False), query.pool, query.pool, ALL, ALL, softmax=False)
    draws = torch.Generator().manual_seed(0)
    layers = [layer for layer in query.network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    bases = [torch.randn(shape.width, 2, generator=draws, dtype=torch.float64) for shape in problem.shapes()]
    _, narrowed = problem.narrowed_jacobian(query.pool, dict(enumerate(bases)))
    for n, image in enumerate(query.pool):
        for f, output in enumerate(query.network(image[None])[0]):
            for layer, basis, found in zip(layers, bases, narrowed, strict=True):
                weight, bias = torch.autograd.grad(output, [layer.weight, layer.bias], retain_graph=True)
                by_input = weight.permute(0, 2, 3, 1).flatten(1) if weight.dim() == 4 else weight
                expected = basis.T @ torch.cat([by_input, bias[:, None]], dim=1).T
                torch.testing.assert_close(found.products[f, n], expected.flatten())


@pytest.mark.parametrize("layers", ["all", "linear"])
@pytest.mark.parametrize("output", ["logits", "softmax"])
def test_emoc_by_autograd_agrees_with_the_structured_path_one_gradient_at_a_time_too(
    layers: str, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = in_float64(small_query())
    options = f"tolerance=0,layers={layers},output={output}"
    structured = albench.strategy(f"emoc[{options}]").score_sets(query)
    autograd = albench.strategy(f"emoc[{options},path=autograd]").score_sets(query)
    torch.testing.assert_close(autograd, structured, rtol=1e-9, atol=1e-12)
    monkeypatch.setattr("albench_strategies.emoc.autograd.GRADIENT_BYTES", 1)
    again = albench.strategy(f"emoc[{options},path=autograd]").score_sets(query)
    torch.testing.assert_close(again, autograd, rtol=1e-12, atol=1e-15)


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(5))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(128, 128), nn.Linear(128, 128)
        self.two.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.two(torch.relu(self.one(x.flatten(1))))


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(128, 128)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(torch.relu(self.one(x.flatten(1))))


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(128, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x.flatten(1))
        y = self.one(x)
        return y + x.mul_(2).sum(dim=1, keepdim=True)


class Idle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


def on_features(module: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(128, 5), module)


NO_NUMBER = r"layer 'body\.0' is a Conv2d"
STRANGE: dict[str, tuple[Callable[[], nn.Module], int, str]] = {
    "own parameter": (lambda: on_features(Scaled()), 5, r"layer 'body\.2' is a Scaled"),
    "reflecting convolution": (
        lambda: nn.Sequential(nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), nn.Flatten()),
        128,
        r"layer 'body\.0' is a Conv2d",
    ),
    "padding by name": (lambda: nn.Sequential(nn.Conv2d(2, 2, 3, padding="same"), nn.Flatten()), 128, NO_NUMBER),
    "batch statistics": (
        lambda: on_features(nn.BatchNorm1d(5, track_running_stats=False)),
        5,
        r"layer 'body\.2' is a BatchNorm1d with the statistics of its batch",
    ),
    "batch statistics without weights": (
        lambda: on_features(nn.BatchNorm1d(5, affine=False, track_running_stats=False)),
        5,
        r"layer 'body\.2' is a BatchNorm1d with the statistics of its batch",
    ),
    "tied weights": (Tied, 128, r"layers 'body\.one' and 'body\.two' share their weights"),
    "used twice": (Twice, 128, r"layer 'body\.one' is used twice"),
    "changed in place": (InPlace, 5, r"the input of layer 'body\.one' is changed in place"),
    "never used": (Idle, 128, r"layer 'body\.unused' takes no part"),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_emoc_names_a_layer_that_it_does_not_know_and_offers_autograd(kind: str) -> None:
    build, d, message = STRANGE[kind]
    query = query_of(WithBody(build(), d))
    with pytest.raises(StrategyError, match=message + r".*path=autograd"):
        albench.strategy("emoc").score_sets(query)


@pytest.mark.parametrize(
    "kind", ["own parameter", "reflecting convolution", "padding by name", "tied weights", "used twice", "never used"]
)
def test_emoc_by_autograd_scores_networks_that_the_structured_path_refuses(kind: str) -> None:
    build, d, _ = STRANGE[kind]
    query = in_float64(query_of(WithBody(build(), d), n_pool=3, n_labeled=1))
    scores = albench.strategy("emoc[path=autograd]").score_sets(query)
    images = torch.cat([query.labeled, query.pool])
    if kind == "never used":
        assert bool((scores > 0).all())
        return
    expected = [oracle.set_score(query.network, images, query.pool[members], "set") for members in query.sets]
    torch.testing.assert_close(scores, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["batch statistics", "batch statistics without weights"])
def test_emoc_of_linear_layers_alone_refuses_statistics_of_the_batch_too(kind: str) -> None:
    build, d, message = STRANGE[kind]
    with pytest.raises(StrategyError, match=message):
        albench.strategy("emoc[layers=linear]").score_sets(query_of(WithBody(build(), d)))


def test_emoc_refuses_a_batch_norm_that_is_left_in_training_mode() -> None:
    query = query_of(WithBody(Residual(), 4))
    query.network.body.norm.train()
    with pytest.raises(StrategyError, match=r"layer 'body\.norm' is a BatchNorm2d with the statistics of its batch"):
        albench.strategy("emoc").score_sets(query)


def test_emoc_takes_the_linear_layers_of_a_network_with_others_that_it_does_not_know() -> None:
    query = query_of(WithBody(on_features(Scaled()), 5))
    assert torch.isfinite(albench.strategy("emoc[layers=linear]").score_sets(query)).all()


def test_emoc_chooses_the_form_of_fewest_multiply_adds_for_the_layers_of_the_common_network() -> None:
    first, third = Shape(1, 1024, 20, 32, 76), Shape(1, 64, 20, 64, 801)
    linear = Shape(1, 1, 20, 64, 1025)
    assert [cheapest(shape, 3000, 2000) for shape in (first, third, linear)] == [
        Form.explicit,
        Form.explicit,
        Form.gram,
    ]
    pairs = 3000 * 2000
    assert costs(third, 3000, 2000)[Form.explicit] / pairs == pytest.approx(20 * 64 * 801, rel=0.05)
    assert cheapest(Shape(1, 4, 500, 64, 801), 3000, 2000) is Form.half, "many classes on few positions"
