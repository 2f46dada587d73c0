from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.models import get_model

import albench
from albench.rng import stream
from albench.testing import CLAUSES, examine

NAME = "mobilenet_v2"


def build(name: str, weights: Path | str = "", n_classes: int = 4) -> Any:
    recipe = albench.network(f"torchvision[name={name},weights={weights}]" if weights else f"torchvision[name={name}]")
    return recipe.build((3, 32, 32), n_classes, stream(0, "test")).eval()


@pytest.fixture(scope="module")
def saved() -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return get_model(NAME, weights=None, width_mult=1.0, num_classes=7).eval()


def test_features_are_those_of_the_users_weights_and_the_head_is_new(saved: Any, tmp_path: Path) -> None:
    torch.save(saved.state_dict(), tmp_path / "w.pth")
    network, images = build(NAME, tmp_path / "w.pth"), torch.randn(3, 3, 32, 32)
    assert network(images).shape == (3, 4)
    with torch.no_grad():
        expected = saved.features(images).mean(dim=(2, 3))
        torch.testing.assert_close(network.features(images), expected)
    assert torch.equal(network.head.weight, build(NAME).head.weight), "whatever the file holds, the head is the seed's"


def test_a_head_of_another_name_is_found(saved: Any, tmp_path: Path) -> None:
    weights = {name.replace("classifier.1", "my_head"): value for name, value in saved.state_dict().items()}
    torch.save(weights, tmp_path / "w.pth")
    assert torch.equal(build(NAME, tmp_path / "w.pth").body.features[0][0].weight, saved.features[0][0].weight)


def test_weights_of_another_architecture_are_refused_in_a_sentence(saved: Any, tmp_path: Path) -> None:
    torch.save(saved.state_dict(), tmp_path / "w.pth")
    with pytest.raises(
        albench.SettingError, match=r"w\.pth are not of torchvision's resnet18: the file lacks 'bn1\.bias'"
    ):
        build("resnet18", tmp_path / "w.pth")


class Touch:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_a_pickle_that_holds_more_is_refused_and_nothing_of_it_is_run(tmp_path: Path) -> None:
    torch.save({"weight": Touch(tmp_path / "ran")}, tmp_path / "w.pth")
    with pytest.raises(albench.SettingError, match=r"w\.pth cannot be read as tensors alone"):
        build(NAME, tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [[torch.zeros(2)], {"epoch": 3}])
def test_a_file_without_a_state_dict_is_refused(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(albench.SettingError, match="hold no state dict"):
        build(NAME, tmp_path / "w.pth")


def test_what_cannot_be_built_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(albench.RequestError, match=r"no model 'mobilenet_v22'.*mobilenet_v2"):
        albench.network("torchvision[name=mobilenet_v22]").check_input((3, 32, 32))
    with pytest.raises(albench.RequestError, match="are not there"):
        albench.network(f"torchvision[weights={tmp_path}/none.pth]").check_input((3, 32, 32))
    with pytest.raises(albench.RequestError, match="features of 5 numbers"):
        albench.network("torchvision").check_input((5,))
    with pytest.raises(albench.SettingError, match="squeezenet1_1 ends in a Conv2d"):
        build("squeezenet1_1")


def test_torchvision_keeps_every_clause_of_the_contract_and_takes_grey_images() -> None:
    recipe = albench.network("torchvision[side=40]")
    found = [examine(clause, recipe) for clause in CLAUSES["networks"]]
    assert [each.message for each in found if each.outcome != "holds"] == []
    grey = stream(0, "grey").integers(0, 256, size=(2, 1, 8, 8)).astype("uint8")
    assert recipe.preparation(grey)(grey).shape == (2, 3, 40, 40)


def test_a_trunk_without_a_head_is_enough_and_one_with_a_gap_is_not(saved: Any, tmp_path: Path) -> None:
    trunk = {name: value for name, value in saved.state_dict().items() if name.startswith("features.")}
    torch.save(trunk, tmp_path / "trunk.pth")
    torch.save(saved.state_dict(), tmp_path / "whole.pth")
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        found, whole = (build(NAME, tmp_path / f"{name}.pth")(images) for name in ("trunk", "whole"))
    assert torch.equal(found, whole)
    del trunk["features.18.1.running_var"]
    torch.save(trunk, tmp_path / "gap.pth")
    with pytest.raises(albench.SettingError, match=r"the file lacks 'features\.18\.1\.running_var' \(1 such in all\)"):
        build(NAME, tmp_path / "gap.pth")
