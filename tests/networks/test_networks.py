from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import albench
from albench.rng import stream
from tests.conftest import SMALL, PluginFolder


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


PLAIN = """
import albench, torch
from dataclasses import dataclass
from albench.networks.cifar10_quick import Cifar10Quick

@albench.hookimpl
def albench_networks():
    return {"plain": "plain:Plain"}

@dataclass(frozen=True)
class Plain(Cifar10Quick):
    def build(self, image_shape, n_classes, draws):
        module = super().build(image_shape, n_classes, draws)
        module.extra = torch.nn.Linear(3, 3)
        return module
"""


def test_a_network_that_draws_from_a_global_generator_fails_its_cells_and_says_how_to_mend_it(
    tmp_path: Path, plugins: PluginFolder
) -> None:
    plugins.install("plain", PLAIN)
    outcome = albench.run(
        strategies="random", network="plain,cifar10-quick", seeds=1, set=SMALL, store=tmp_path, jobs=1
    )
    by_network = {status.network: status for status in outcome.statuses}
    assert by_network["cifar10-quick"].status == "done"
    assert by_network["plain"].status == "failed"
    assert "building, its network drew from the global generator of torch" in by_network["plain"].reason
    assert "torch.random.fork_rng()" in by_network["plain"].reason


FEATURES = """
import albench
import numpy as np
import torch
from dataclasses import dataclass
from torch import nn


@dataclass(frozen=True)
class Points(albench.Scenario):
    reads_data = False

    def split(self, seed):
        draws = albench.stream(seed, "points")
        labels = np.arange(240) % 4
        centres = 3 * draws.normal(size=(4, 5))
        points = (centres[labels] + draws.normal(size=(240, 5))).astype(np.float32)
        rows = draws.permutation(240)
        known = rows[labels[rows] < 2]
        initial = known[:20]
        rest = rows[~np.isin(rows, initial)]
        return albench.Split(points, labels, initial, rest[:150], rest[150:], list("abcd"), [0, 1])


class Layers(nn.Module):
    def __init__(self, n_inputs, n_classes):
        super().__init__()
        self.hidden, self.head = nn.Linear(n_inputs, 8), nn.Linear(8, n_classes)

    def features(self, x):
        return torch.relu(self.hidden(x))

    def forward(self, x):
        return self.head(self.features(x))


@dataclass(frozen=True)
class Perceptron(albench.Network):
    def check_input(self, shape):
        if len(shape) != 1:
            raise albench.RequestError("it takes features; choose a scenario of features")

    def build(self, shape, n_classes, draws):
        with torch.random.fork_rng():
            torch.manual_seed(int(draws.integers(2**63)))
            return Layers(shape[0], n_classes)
"""


def test_features_are_trained_on_and_asked_about_as_images_are(tmp_path: Path) -> None:
    path = tmp_path / "features.py"
    path.write_text(FEATURES, encoding="utf-8")
    values = {"learning_rate": 0.05, "batch_size": 16, "set_size": 5, "n_sets": 10, "query_size": 10}
    outcome = albench.run(
        scenarios=f"{path}:Points", network=f"{path}:Perceptron", strategies="random,min,badge,coreset", seeds=1, rounds=3,
        protocol="discovery,top-k", learner="finetune[initial_iterations=200,update_iterations=100],retrain[iterations=200]",
        set=values, store=tmp_path / "s",
    )  # fmt: skip
    assert outcome.exit_code == 0, [status.reason for status in outcome.statuses]
    frame = outcome.rounds()
    assert len(frame) == 4 * 4 * 4
    assert frame[frame["round"] == 0].accuracy_known.min() > 0.8
    assert outcome.report is not None
    assert "cannot be shown: Points is a class of features.py" in outcome.report.read_text(encoding="utf-8")


RECIPES = """
from dataclasses import dataclass
import torch
from torch import nn
import albench


class Layers(nn.Module):
    def __init__(self, n_inputs, n_classes):
        super().__init__()
        self.head = nn.Linear(n_inputs, n_classes)

    def features(self, x):
        return x

    def forward(self, x):
        return self.head(self.features(x))


@dataclass(frozen=True)
class Linear(albench.Network):
    def build(self, shape, n_classes, draws):
        with torch.random.fork_rng():
            torch.manual_seed(int(draws.integers(2**63)))
            return Layers(shape[0], n_classes)


@dataclass(frozen=True)
class Images(Linear):
    def build(self, shape, n_classes, draws):
        channels, height, width = shape
        return super().build((channels * height * width,), n_classes, draws)
"""


@pytest.mark.parametrize(
    ("network", "scenario", "sentence"),
    [
        ("Linear", "digits", "given inputs of shape (1, 8, 8), its network raised RuntimeError: mat1 and mat2"),
        ("Images", "Points", "building for inputs of shape (5,), its network raised ValueError: not enough values"),
    ],
)
def test_inputs_that_a_network_cannot_take_and_does_not_refuse_fail_its_cells_with_their_shape(
    network: str, scenario: str, sentence: str, tmp_path: Path
) -> None:
    recipes, points = tmp_path / "recipes.py", tmp_path / "features.py"
    recipes.write_text(RECIPES, encoding="utf-8")
    points.write_text(FEATURES, encoding="utf-8")
    name = scenario if scenario == "digits" else f"{points}:{scenario}"
    outcome = albench.run(
        scenarios=name,
        network=f"{recipes}:{network}",
        strategies="random",
        seeds=1,
        set={"set_size": 5},
        store=tmp_path / "s",
    )
    assert outcome.statuses[0].status == "failed"
    assert sentence in outcome.statuses[0].reason


def test_a_recipe_of_build_alone_is_run_on_features_and_keeps_its_contract(tmp_path: Path) -> None:
    recipes, points = tmp_path / "recipes.py", tmp_path / "features.py"
    recipes.write_text(RECIPES, encoding="utf-8")
    points.write_text(FEATURES, encoding="utf-8")
    few = {"set_size": 5, "initial_iterations": 20, "update_iterations": 20, "learning_rate": 0.05}
    outcome = albench.run(
        scenarios=f"{points}:Points", network=f"{recipes}:Linear", strategies="random", seeds=1, rounds=1, set=few,
        store=tmp_path / "s",
    )  # fmt: skip
    assert outcome.exit_code == 0, outcome.statuses
    command = [sys.executable, "-m", "albench", "check", f"{recipes}:Linear"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_images_are_refused_by_a_network_of_features(tmp_path: Path) -> None:
    path = tmp_path / "features.py"
    path.write_text(FEATURES, encoding="utf-8")
    with pytest.raises(albench.RequestError, match="Perceptron cannot be used with digits: it takes features"):
        albench.run(network=f"{path}:Perceptron", strategies="random", seeds=1, store=tmp_path / "s")
