from __future__ import annotations

import pytest
import torch

import albench
from albench.rng import stream


def build(shape: tuple[int, int, int] = (3, 32, 32), n_classes: int = 10) -> torch.nn.Module:
    return albench.network("cifar10-quick").build(shape, n_classes, stream(0, "test"))


def test_the_common_network_has_the_parameters_of_caffes_quick_model() -> None:
    assert sum(parameter.numel() for parameter in build().parameters()) == 145_578


def test_initial_weights_follow_caffes_scales_and_biases_are_zero() -> None:
    network = build()
    for layer, std in {"conv1": 1e-4, "conv2": 0.01, "conv3": 0.01, "linear": 0.1, "head": 0.1}.items():
        module = network.get_submodule(layer)
        assert module.weight.std().item() == pytest.approx(std, rel=0.06)
        assert not module.bias.any()


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 7, 8, 16, 28, 32, 33, 64])
def test_the_common_network_works_at_any_image_size(side: int) -> None:
    network = build((1, side, side), 3)
    images = torch.randn(2, 1, side, side)
    assert network(images).shape == (2, 3)
    assert torch.equal(network(images), network.head(network.features(images)))


def test_a_new_head_row_depends_on_its_stream_alone_and_has_the_heads_scale() -> None:
    recipe = albench.network("cifar10-quick")
    row = recipe.head_row(10_000, stream(0, "head row", 7))
    assert row.std() == pytest.approx(0.1, rel=0.05)
    assert (row == recipe.head_row(10_000, stream(0, "head row", 7))).all()
