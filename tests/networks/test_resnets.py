from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import albench
from albench.contracts.learner import Examples
from albench.rng import stream
from albench.testing import CLAUSES, examine
from albench.training.finetune import Finetune
from albench.training.model import Model
from albench.training.retrain import Retrain
from tests.training.models import LABELS, images, new_model

SMALL = "resnet8[width=4]"
THIN = ["wide-resnet[depth=16,width=1]", "vgg16[width=4]"]
DEEP = [("wide-resnet", 36_479_194), ("wide-resnet[depth=16,width=4]", 2_748_890), ("vgg16", 14_724_042)]
FINETUNE = Finetune(initial_iterations=4, update_iterations=3, batch_size=4, learning_rate=0.01)


def build(name: str, shape: tuple[int, int, int] = (3, 32, 32), n_classes: int = 10) -> Any:
    return albench.network(name).build(shape, n_classes, stream(0, "test"))


def statistics(model: Model) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.network.named_buffers()}


@pytest.mark.parametrize(("name", "parameters"), [("resnet8", 78_042), ("resnet18", 11_173_962), *DEEP])
def test_networks_have_the_parameters_of_their_papers_form(name: str, parameters: int) -> None:
    assert sum(parameter.numel() for parameter in build(name).parameters()) == parameters


def test_the_stem_keeps_the_size_and_each_later_stage_halves_it() -> None:
    network, seen = build("resnet18[width=2]"), []
    for layer in network.body:
        layer.register_forward_hook(lambda _layer, _x, y: seen.append(tuple(y.shape[1:])))
    network.eval()(torch.zeros(1, 3, 32, 32))
    stem, stages, last = seen[:3], seen[3:-1], seen[-1]
    assert stem == [(2, 32, 32)] * 3
    assert stages == [(2 * 2**i, 32 // 2**i, 32 // 2**i) for i in range(4) for _ in range(2)]
    assert last == (16,)


def test_initial_weights_are_he_normal_and_batch_normalisation_starts_as_the_identity() -> None:
    network = build("resnet8")
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            fan_out = layer.kernel_size[0] * layer.kernel_size[1] * layer.out_channels
            assert layer.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)
            assert layer.bias is None
        if isinstance(layer, nn.BatchNorm2d):
            assert bool((layer.weight == 1).all())
            assert not layer.bias.any()
    assert network.head.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert not network.head.bias.any()


@pytest.mark.parametrize("side", [1, 2, 3, 8, 28, 33])
def test_networks_work_at_any_image_size(side: int) -> None:
    for name in (SMALL, "resnet18[width=2]", *THIN):
        network = build(name, (1, side, side), 3).eval()
        assert network(torch.randn(2, 1, side, side)).shape == (2, 3)


def test_channels_are_centred_and_scaled_by_the_initial_set_and_a_constant_one_stays_finite() -> None:
    initial = stream(0, "images").integers(0, 256, size=(20, 3, 4, 4)).astype(np.uint8)
    initial[:, 1] = 7
    seen = albench.network(SMALL).preparation(initial)(initial).double()
    assert seen[:, [0, 2]].mean(dim=(0, 2, 3)).abs().max() < 1e-5
    torch.testing.assert_close(
        seen[:, [0, 2]].std(dim=(0, 2, 3), unbiased=False), torch.ones(2, dtype=torch.float64), rtol=1e-5, atol=0
    )
    assert not seen[:, 1].any()


def test_features_are_refused_by_a_network_of_images(tmp_path: Path) -> None:
    with pytest.raises(albench.RequestError, match="it takes images, and the scenario gives features of 5 numbers"):
        albench.network("resnet8").check_input((5,))


@pytest.mark.parametrize("name", ["resnet8", "resnet18[width=8]", *THIN])
def test_networks_keep_every_clause_of_the_contract(name: str) -> None:
    found = [examine(clause, albench.network(name)) for clause in CLAUSES["networks"]]
    assert [each.message for each in found if each.outcome != "holds"] == []


def test_retraining_with_batch_norm_is_the_same_training_written_plainly_in_pytorch() -> None:
    """Weights and running statistics of a round are those of torch's own SGD and batch normalisation in train mode."""
    learner = Retrain(iterations=40, batch_size=8, learning_rate=0.05)
    one = new_model(network=SMALL)
    learner.update(one, Examples(images(16), np.array([*LABELS, 5, 2, 5, 2])), 4, 3)
    recipe = albench.network(SMALL)
    network: Any = recipe.build((1, 8, 8), 2, stream(0, "initialisation")).train()
    pixels = images(12).astype(np.float64)
    x = torch.tensor((images(16) - pixels.mean()) / pixels.std(), dtype=torch.float32)
    y = torch.tensor([0, 1] * 8)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    for batch in stream(0, "retrain batches", 3).integers(16, size=(40, 8)):
        optimizer.zero_grad()
        F.cross_entropy(network(x[batch]), y[batch]).backward()
        optimizer.step()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(one.network.state_dict()[name], value, rtol=1e-4, atol=1e-5)


def test_statistics_move_in_updates_as_in_training() -> None:
    one = new_model(network=SMALL)
    FINETUNE.fit(one, Examples(images(12), LABELS))
    before = statistics(one)
    FINETUNE.update(one, Examples(images(14), np.array([*LABELS, 5, 2])), 2, 1)
    after = statistics(one)
    assert all(not torch.equal(before[name], after[name]) for name in before)
    counts = [value for name, value in after.items() if name.endswith("num_batches_tracked")]
    assert {int(value) for value in counts} == {4 + 3}


def test_frozen_statistics_are_those_of_the_initial_training_while_weights_go_on_learning() -> None:
    frozen = Finetune(
        initial_iterations=4, update_iterations=3, batch_size=4, learning_rate=0.01, batch_norm="frozen"
    )  # fmt: skip
    one, other = new_model(network=SMALL), new_model(network=SMALL)
    FINETUNE.fit(one, Examples(images(12), LABELS))
    frozen.fit(other, Examples(images(12), LABELS))
    before, weights = statistics(other), other.network.body[1].weight.detach().clone()
    assert all(torch.equal(value, before[name]) for name, value in statistics(one).items())
    frozen.update(other, Examples(images(14), np.array([*LABELS, 5, 2])), 2, 1)
    assert all(torch.equal(value, before[name]) for name, value in statistics(other).items())
    assert not torch.equal(other.network.body[1].weight, weights)
    assert not any(module.training for module in other.network.modules())


def test_scoring_leaves_the_statistics_and_an_example_alone_is_predicted_as_among_others() -> None:
    one = new_model(network=SMALL)
    FINETUNE.fit(one, Examples(images(12), LABELS))
    before = statistics(one)
    together = one.predict(images(9, 1))
    alone = np.concatenate([one.predict(images(9, 1)[place : place + 1]) for place in range(9)])
    assert (together == alone).all()
    assert not any(module.training for module in one.snapshot().modules())
    assert all(torch.equal(value, before[name]) for name, value in statistics(one).items())


def test_batches_of_one_example_are_refused_for_batch_norm_unless_its_statistics_are_frozen() -> None:
    one = new_model(network=SMALL)
    single = Finetune(initial_iterations=2, update_iterations=2, batch_size=1, learning_rate=0.01, batch_norm="frozen")
    with pytest.raises(albench.SettingError, match="the initial training has batches of one example"):
        single.fit(one, Examples(images(12), LABELS))
    single.update(one, Examples(images(14), np.array([*LABELS, 5, 2])), 2, 1)


def test_a_grown_head_leaves_the_statistics_and_stored_weights_bring_them_back() -> None:
    one = new_model(network=SMALL)
    FINETUNE.fit(one, Examples(images(12), LABELS))
    before = statistics(one)
    one.grow(7)
    assert all(torch.equal(value, before[name]) for name, value in statistics(one).items())
    other = new_model(network=SMALL, seed=1)
    other.load(one.weights(), one.classes)
    assert all(torch.equal(value, before[name]) for name, value in statistics(other).items())
    assert (other.predict(images(9, 1)) == one.predict(images(9, 1))).all()


@pytest.mark.parametrize("learner", ["finetune", "retrain"])
def test_a_residual_network_runs_a_study_and_a_stopped_one_goes_on_as_if_it_had_not(
    learner: str, tmp_path: Path
) -> None:
    few = {"finetune": {"initial_iterations": 4, "update_iterations": 2}, "retrain": {"iterations": 4}}[learner]
    values = {**few, "batch_size": 8, "n_sets": 6, "set_size": 5, "learning_rate": 0.05}
    rows = []
    for folder, stops in (("whole", [3]), ("parts", [1, 3])):
        for rounds in stops:
            outcome = albench.run(
                network=SMALL, learner=learner, strategies="1vs2", seeds=1, rounds=rounds, set=values,
                store=tmp_path / folder, jobs=1, report=False,
            )  # fmt: skip
            assert outcome.exit_code == 0, outcome.statuses
        rows.append(outcome.rounds()[["round", "accuracy", "query_class"]])
    assert rows[0].equals(rows[1])


def test_a_depth_that_no_wide_residual_network_has_is_refused_with_the_nearest_ones() -> None:
    with pytest.raises(albench.RequestError, match="depth=27 is not 6 n \\+ 4; set depth to 22 or 28"):
        albench.network("wide-resnet[depth=27]").check_input((3, 32, 32))
