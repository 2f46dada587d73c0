"""The engine does what a plan says: optimisers, rates, views, precision."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from albench import processor
from albench.contracts.learner import Examples
from albench.errors import RequestError
from albench.rng import stream
from albench.training import precision
from albench.training.batches import SHIFT, draw_views, rate_factors
from albench.training.engine import moved
from albench.training.finetune import Finetune
from albench.training.sgd import FusedSgd
from tests.training.models import LABELS, images, new_model

ROOT = Path(__file__).parent.parent.parent
LEARNER = Finetune(initial_iterations=12, batch_size=4, learning_rate=1e-3)
DATA = Examples(images(12), LABELS)


def trained(learner: Finetune) -> dict[str, torch.Tensor]:
    model = new_model()
    learner.fit(model, DATA)
    return model.weights()


def by_hand(
    learner: Finetune, make: Callable[[list[dict[str, object]]], torch.optim.Optimizer], factors: list[float]
) -> dict[str, torch.Tensor]:
    """The same training with an optimiser of PyTorch's and the rates set at each step."""
    model = new_model()
    network, x, y = model.network, model.prepare(images(12)), torch.tensor([0, 1] * 6)
    named = list(network.named_parameters())
    groups = [
        {"params": [p for name, p in named if not name.endswith("bias")], "lr": learner.learning_rate},
        {"params": [p for name, p in named if name.endswith("bias")], "lr": 2 * learner.learning_rate},
    ]
    optimizer = make(groups)
    rates = [group["lr"] for group in optimizer.param_groups]
    network.train()
    for batch, factor in zip(stream(0, "initial batches").integers(12, size=(12, 4)), factors, strict=True):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        optimizer.zero_grad()
        F.cross_entropy(network(x[batch]), y[batch]).backward()
        optimizer.step()
    return model.weights()


def assert_close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-5, atol=1e-7)


def test_adamw_is_pytorchs_with_the_rates_of_the_network() -> None:
    learner = replace(LEARNER, optimizer="adamw", weight_decay=0.02)
    expected = by_hand(learner, lambda groups: torch.optim.AdamW(groups, weight_decay=0.02), [1.0] * 12)
    assert_close(trained(learner), expected)


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_sgd_is_pytorchs_bit_for_bit(momentum: float) -> None:
    def make(groups: list[dict[str, object]]) -> torch.optim.Optimizer:
        return torch.optim.SGD(groups, momentum=momentum, weight_decay=5e-4, fused=True)

    expected, found = by_hand(LEARNER, make, [1.0] * 12), trained(replace(LEARNER, momentum=momentum))
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_sgd_leaves_alone_what_has_no_gradient() -> None:
    still, moving = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    moving.grad = torch.full((2,), 0.5)
    optimizer = FusedSgd([{"params": [still, moving], "lr": 1.0}], momentum=0.9, weight_decay=0.1)
    optimizer.step()
    assert still.tolist() == [1.0, 1.0]
    assert moving.tolist() == pytest.approx([0.4, 0.4])
    optimizer.zero_grad()
    assert moving.grad is None


def test_building_growing_and_training_a_network_bring_in_no_compiler() -> None:
    code = (
        "import sys\nfrom tests.training.test_engine import DATA, LEARNER, new_model\n"
        "assert 'torch._dynamo' not in sys.modules, 'the test itself imports it'\n"
        "model = new_model()\nLEARNER.fit(model, DATA)\nmodel.grow(7)\n"
        "print([name for name in ('torch._dynamo', 'sympy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_a_schedule_multiplies_every_groups_rate() -> None:
    learner = replace(LEARNER, schedule="steps", warmup_iterations=3)
    factors = [1 / 3, 2 / 3, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01]
    expected = by_hand(learner, lambda groups: torch.optim.SGD(groups, momentum=0.9, weight_decay=5e-4), factors)
    assert_close(trained(learner), expected)


def test_a_cosine_falls_from_one_to_almost_zero_after_the_warm_up() -> None:
    factors = rate_factors("cosine", 10, 110)
    np.testing.assert_allclose(factors[:10], np.arange(1, 11) / 10)
    np.testing.assert_allclose(factors[10:], [(1 + np.cos(np.pi * place / 100)) / 2 for place in range(100)])
    assert np.all(rate_factors("constant", 0, 5) == 1)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 3), st.integers(0, 10_000))
def test_a_view_is_the_image_moved_over_zeros_and_then_mirrored(
    height: int, width: int, channels: int, seed: int
) -> None:
    draws = np.random.default_rng(seed)
    pictures = draws.normal(size=(5, height, width, channels))
    views = draw_views((1, 5), draws)
    found = moved(torch.from_numpy(pictures), torch.from_numpy(views.flips[0]), torch.from_numpy(views.shifts[0]))
    for picture, flip, (down, right), seen in zip(
        pictures, views.flips[0], views.shifts[0], found.numpy(), strict=True
    ):
        expected = np.zeros_like(picture)
        for y in range(height):
            for x in range(width):
                if 0 <= y - down < height and 0 <= x - right < width:
                    expected[y, x] = picture[y - down, x - right]
        np.testing.assert_array_equal(seen, expected[:, ::-1] if flip else expected)


def test_views_use_both_sides_and_every_shift() -> None:
    views = draw_views((200, 20), stream(0, "views"))
    assert set(np.unique(views.shifts)) == set(range(-SHIFT, SHIFT + 1))
    assert abs(views.flips.mean() - 0.5) < 0.05


def test_augmentation_changes_the_training_and_repeats_bit_for_bit() -> None:
    plain, one, again = trained(LEARNER), *(trained(replace(LEARNER, augmentation="flip-crop")) for _ in range(2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["conv1.weight"], plain["conv1.weight"])


def test_features_cannot_be_mirrored() -> None:
    with pytest.raises(RequestError, match="augmentation=flip-crop is for images"):
        replace(LEARNER, augmentation="flip-crop").check_input((64,))


def test_bf16_is_refused_where_the_processor_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("albench.training.schedule.has_bf16", lambda device: False)
    with pytest.raises(RequestError, match="precision=bf16 needs a processor with instructions for it"):
        replace(LEARNER, precision="bf16").check_device("cpu")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16", True),
        ("flags\t\t: fpu amx_bf16 sse", True),
        ("Features\t: fp asimd bf16", True),
        ("flags\t\t: fpu avx512f avx512_bf16x", False),
        ("model name\t: bf16", False),
    ],
)
def test_whether_a_processor_has_bf16_is_read_from_its_flags(
    line: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\n{line}\nbugs\t\t: bf16\n")
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    monkeypatch.setattr(precision, "processor", processor.processor.__wrapped__)
    assert precision.has_bf16("cpu") is expected


def test_bf16_trains_to_nearly_the_same_weights() -> None:
    if not precision.has_bf16("cpu"):
        pytest.skip("this processor has no bf16 instructions")
    half, full = trained(replace(LEARNER, precision="bf16")), trained(LEARNER)
    assert half["head.weight"].dtype == torch.float32
    assert not torch.equal(half["conv2.weight"], full["conv2.weight"])
    torch.testing.assert_close(half["conv2.weight"], full["conv2.weight"], rtol=0.05, atol=2e-3)


def test_dropout_draws_from_the_plan_and_the_global_generator_stays_where_it_was() -> None:
    def run() -> torch.Tensor:
        model = new_model()
        model.network.linear = nn.Sequential(model.network.linear, nn.Dropout(0.5))
        LEARNER.fit(model, DATA)
        return model.weights()["head.weight"]

    first = run()
    torch.manual_seed(5)
    torch.rand(3)
    state = torch.get_rng_state()
    assert torch.equal(run(), first), "whatever ran before"
    assert torch.equal(torch.get_rng_state(), state)


def test_the_noise_of_a_training_is_a_draw_of_its_own_stream_from_all_that_a_generator_takes() -> None:
    plans = {(seed, number): LEARNER.plan("it", [[0]], seed, "update", number) for seed in (0, 1) for number in (1, 2)}
    for (seed, number), plan in plans.items():
        assert plan.noise == stream(seed, "update noise", number).integers(2**63)
    assert len({plan.noise for plan in plans.values()}) == 4
    assert min(plan.noise for plan in plans.values()) > 2**50
