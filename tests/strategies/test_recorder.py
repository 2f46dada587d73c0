"""The recorder's backward passes: in bf16 where asked, in the layout of their maps, the forward pass never touched."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albench_strategies.numerics.gradients.lowered import lowered_backward
from albench_strategies.numerics.gradients.pooling import Pooling
from albench_strategies.numerics.gradients.recorder import Recorder, logits_jacobian


class Pooled(nn.Module):
    """Convolutions with strides, groups and dilation, between pools."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 5, padding=2)
        self.second = nn.Conv2d(8, 12, 3, padding=2, dilation=2, groups=4)
        self.third = nn.Conv2d(12, 16, 3, stride=2, padding=1)
        self.head = nn.Linear(16 * 4, 5)

    def forward(self, images: Tensor) -> Tensor:
        x = torch.relu(F.max_pool2d(self.first(images), 2, ceil_mode=True))
        x = F.avg_pool2d(torch.relu(self.second(x)), 3, stride=2, ceil_mode=True)
        return self.head(F.adaptive_avg_pool2d(torch.relu(self.third(x)), 2).flatten(1))


@pytest.fixture
def images() -> Tensor:
    return torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def network() -> Pooled:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Pooled()


def test_lowered_layers_are_in_bf16_near_the_others_and_the_rest_is_float32(network: Pooled, images: Tensor) -> None:
    recorder = Recorder(network, linear_only=False)
    exact = [(one.patches.clone(), one.deltas.clone()) for one in recorder.factors(images, logits_jacobian)]
    found = recorder.factors(images, logits_jacobian, lowered=[0, 2])
    assert [one.deltas.dtype for one in found] == [torch.bfloat16, torch.float32, torch.bfloat16, torch.float32]
    assert [one.patches.dtype for one in found] == [torch.bfloat16, torch.float32, torch.bfloat16, torch.float32]
    for (patches, deltas), one in zip(exact, found, strict=True):
        assert float((one.patches.float() - patches).norm() / patches.norm()) < 4e-3
        assert float((one.deltas.float() - deltas).norm() / deltas.norm()) < 1e-2
    assert torch.equal(found[1].patches, exact[1][0]), "the forward pass stays as it is"
    assert not torch.equal(found[1].deltas, exact[1][1]), "the backward pass through the third convolution is rounded"
    assert torch.equal(found[3].deltas, exact[3][1])


@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_a_lowered_convolution_has_the_gradient_of_a_convolution(network: Pooled, name: str) -> None:
    layer: nn.Conv2d = getattr(network, name)
    x = torch.randn(4, layer.in_channels, 9, 9, requires_grad=True)
    delta = torch.randn_like(layer(x))
    (expected,) = torch.autograd.grad(layer(x), x, delta)
    output = layer(x)
    again = lowered_backward(x, output, layer)
    assert torch.equal(again, output)
    (found,) = torch.autograd.grad(again, x, delta)
    assert found.dtype == torch.float32
    assert 0 < float((found - expected).norm() / expected.norm()) < 5e-3


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
def test_gradients_through_pools_in_channels_last_are_the_same_numbers(pool: object) -> None:
    x = torch.randn(5, 4, 8, 8).contiguous(memory_format=torch.channels_last).requires_grad_()

    def gradient() -> Tensor:
        pooled = pool(x, 3, stride=2, ceil_mode=True)  # type: ignore[operator]
        return torch.autograd.grad((pooled.flatten(1) @ weights).sum(), x)[0]

    weights = torch.randn(4 * 16, 3)
    expected = gradient()
    layouts: list[bool] = []
    with Pooling():
        pooled = pool(x, 3, stride=2, ceil_mode=True)  # type: ignore[operator]
        pooled.register_hook(lambda found: layouts.append(found.is_contiguous(memory_format=torch.channels_last)))
        (found,) = torch.autograd.grad((pooled.flatten(1) @ weights).sum(), x)
    assert layouts == [True]
    assert torch.equal(found, expected)


POOLED = {
    "alone": (lambda x: F.max_pool2d(x, 2), True),
    "and what comes of it, in place": (lambda x: F.max_pool2d(x, 2).relu_(), True),
    "after a ReLU in place": (lambda x: F.max_pool2d(x.relu_(), 2), False),
    "beside itself": (lambda x: F.max_pool2d(x, 2) + x[:, :, ::2, ::2], False),
    "twice": (lambda x: F.max_pool2d(x, 2) + F.max_pool2d(x, 3, stride=2, ceil_mode=True), False),
    "with indices of its own": (lambda x: F.max_pool2d(x, 2, return_indices=True)[0], False),
}


@pytest.mark.parametrize("use", POOLED)
def test_maxima_are_known_of_what_a_maximum_pooling_alone_takes(use: str) -> None:
    body, alone = POOLED[use]
    x = torch.randn(5, 4, 8, 8, requires_grad=True)
    with Pooling() as pooling:
        handed = x.clone()
        node = handed.grad_fn
        end = body(handed)
    maxima = pooling.maxima(node, end.grad_fn)
    assert (maxima is not None) == alone
    if maxima is not None:
        picked = x.detach().flatten(2).gather(2, maxima.positions.flatten(2)).view(5, 4, 4, 4)
        assert torch.equal(maxima.output, picked)
        assert torch.equal(maxima.output, F.max_pool2d(x, 2))
