"""`albench features`: what the file holds, and what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from torchvision.models import get_model

import albench
from albench_datasets.sources import published
from tests.conftest import Cli, Ran
from tests.datasets import layouts
from tests.datasets.photos import CLASSES, photos
from tests.extraction.conftest import MODEL, write_weights

SMALL = "initial_per_class=1,pool_per_class=4,test_per_class=3"


def features(cli: Cli, *words: object) -> Ran:
    """Run the command on one thread: what these tests run on may be busy."""
    return cli("features", "--threads", "1", *words)


def stored(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def expected(weights: Path, image: np.ndarray) -> np.ndarray:
    """What torchvision's model makes of one image, uint8 (H, W, 3), in float64, without its last layer."""
    model = get_model(MODEL, weights=None, num_classes=5).double().eval()
    model.load_state_dict(torch.load(weights, weights_only=True))
    model.fc = torch.nn.Identity()
    mean, std = torch.tensor([0.485, 0.456, 0.406]).double(), torch.tensor([0.229, 0.224, 0.225]).double()
    scaled = torch.from_numpy(image).double() / 255
    resized = F.interpolate(scaled.permute(2, 0, 1)[None], size=(32, 32), mode="bilinear", antialias=True)
    with torch.no_grad():
        return model((resized - mean[:, None, None]) / std[:, None, None])[0].numpy()


def test_each_row_is_what_torchvision_makes_of_the_file_that_its_path_names(
    tmp_path: Path, cli: Cli, network: str, weights: Path
) -> None:
    root = photos(tmp_path / "photos")
    for file in root.rglob("*.*"):  # of 48 pixels already, without loss, so that nothing is cut before the network
        picture = Image.open(file).convert("RGB").resize((48, 48))
        file.unlink()
        picture.save(file.with_suffix(".png"))
    ran = features(cli, "--scenario", f'images[path="{root}",size=48]', "--network", network, "-o", tmp_path / "f.npz")
    assert (ran.code, ran.err) == (0, "")
    assert f'{tmp_path}/f.npz: 16 rows; run them with --scenarios "features[path=' in ran.out
    found = stored(tmp_path / "f.npz")
    assert found["features"].dtype == np.float32
    assert {str(path) for path in found["paths"]} == {str(file.relative_to(root)) for file in root.rglob("*.png")}
    for path, row, label in zip(found["paths"], found["features"], found["labels"], strict=True):
        image = np.array(Image.open(root / str(path)))
        np.testing.assert_allclose(row, expected(weights, image), rtol=1e-4, atol=1e-5)
        assert found["class_names"][label] == Path(str(path)).parent.name
    assert sorted(found["class_names"]) == sorted(CLASSES)
    assert "is_test" not in found, "folders have no test part"


def test_the_file_says_of_which_data_and_by_which_weights_it_is_and_names_no_path(
    tmp_path: Path, cli: Cli, network: str, weights: Path
) -> None:
    assert features(cli, "--scenario", "digits", "--network", network, "-o", tmp_path / "f.npz").code == 0
    source = json.loads(str(stored(tmp_path / "f.npz")["source"]))
    assert source["data"]["scenario"] == "digits"
    assert source["data"]["fingerprint"] == albench.scenario("digits").fingerprint(0)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert source["network"]["parameters"] == {"name": MODEL, "side": 32, "weights": digest}
    assert source["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert str(weights.parent) not in json.dumps(source)


def test_the_scenario_of_features_runs_on_the_file_at_once_and_its_report_says_whose_they_are(
    tmp_path: Path, cli: Cli, network: str
) -> None:
    path, root = tmp_path / "f.npz", photos(tmp_path / "photos")
    assert features(cli, "--scenario", f'images[path="{root}"]', "--network", network, "-o", path).code == 0
    ran = cli(
        "run", "--scenarios", f'features[path="{path}",{SMALL}]', "--network", "linear", "--protocol", "top-k[query_size=2]",
        "--learner", "retrain[iterations=5,learning_rate=0.01]", "--strategies", "random,typiclust", "--seeds", "1",
        "--rounds", "2", "--jobs", "1", "--store", tmp_path / "s",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    files = albench.load(tmp_path / "s").query_files.dropna()
    assert all((root / file).exists() for query in files for file in query)
    page = (tmp_path / "s" / "report.html").read_text(encoding="utf-8")
    assert f"Features of torchvision[name={MODEL},side=32,weights=" in page
    assert "on images." in page


def test_the_test_part_stays_the_test_part_and_seeds_choose_the_images(
    tmp_path: Path, cli: Cli, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALBENCH_DATA", str(layouts.torchvision_layout(tmp_path / "data").parent))
    monkeypatch.setenv("ALBENCH_DATA", str(tmp_path / "data"))
    published._published.cache_clear()
    scenario = "cifar100[known=3,novel=1,initial_per_class=1,pool_per_class=2,test_per_class=1]"
    words = ["--scenario", scenario, "--network", network, "--batch-size", "7"]
    assert features(cli, *words, "-o", tmp_path / "all.npz").code == 0
    assert features(cli, *words, "--seeds", "5,8", "-o", tmp_path / "some.npz").code == 0
    whole, some = stored(tmp_path / "all.npz"), stored(tmp_path / "some.npz")
    assert (len(whole["labels"]), int(whole["is_test"].sum())) == (600, 200)
    splits = [albench.scenario(scenario).split(seed) for seed in (5, 8)]
    used = sorted({row for one in splits for part in (one.initial, one.pool, one.test) for row in part.tolist()})
    assert len(used) == len(some["labels"]) > 15
    assert np.array_equal(some["labels"], splits[0].labels[used])
    np.testing.assert_allclose(some["features"], whole["features"][used], rtol=1e-4, atol=1e-5)
    split = albench.scenario(f'features[path="{tmp_path}/all.npz",test_per_class=all,initial_per_class=1]').split(0)
    assert (len(split.test), len(split.initial) + len(split.pool)) == (200, 400)
    published._published.cache_clear()


THIRD = """
import albench
import numpy as np
from dataclasses import dataclass

@dataclass(frozen=True)
class Squares(albench.Scenario):
    def split(self, seed):
        draws = albench.stream(seed, "squares")
        rows = draws.permutation(30)
        images = np.repeat(np.arange(30, dtype=np.uint8), 3 * 16 * 16).reshape(30, 3, 16, 16)
        return albench.Split(images, np.arange(30) % 2, rows[:6], rows[6:20], rows[20:25], ["a", "b"], [0, 1])
"""


def test_a_scenario_of_another_kind_gives_the_images_of_its_split(tmp_path: Path, cli: Cli, network: str) -> None:
    (tmp_path / "mine.py").write_text(THIRD)
    ran = features(cli, "--scenario", f"{tmp_path}/mine.py:Squares", "--network", network, "-o", tmp_path / "f.npz")
    assert ran.code == 0, ran.err
    found = stored(tmp_path / "f.npz")
    assert len(found["labels"]) == 25
    assert "is_test" not in found, "another seed has another test set"


def test_from_python_it_is_the_same_file_and_says_how_far_it_is(tmp_path: Path, cli: Cli, network: str) -> None:
    told: list[tuple[int, int]] = []
    path = albench.features(
        "digits", network, tmp_path / "a.npz", threads=1, batch_size=50, on_rows=lambda *rows: told.append(rows)
    )
    assert told == [(800, 1797), (1600, 1797), (1797, 1797)]
    words = ["--network", network, "--batch-size", "50"]
    assert features(cli, "--scenario", "digits", *words, "-o", tmp_path / "b.npz").code == 0
    assert path.read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("name", [f"torchvision[name={MODEL}]", "cifar10-quick"])
def test_a_network_that_is_given_no_weights_is_warned_of(name: str, tmp_path: Path, cli: Cli) -> None:
    ran = features(cli, "--scenario", "digits", "--network", name, "-o", tmp_path / "f.npz")
    assert ran.code == 0
    assert f"warning: {name} is given no file of weights; unless it brings its own, it has learned nothing" in ran.err


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"-o": "f.npy"}, "f.npy does not end in .npz; name such a file with --output"),
        ({"--scenario": "digist"}, "there is no scenario 'digist'; did you mean 'digits'?"),
        ({"--network": "linear"}, "linear cannot be used with digits: it takes features"),
        ({"--network": "torchvision[weights=gone.pth]"}, "gone.pth cannot be read (No such file"),
        ({"--data": "."}, "--data .: digits reads no folder of data"),
        ({"--batch-size": "0"}, "batch size 0; give 1 or more"),
        ({"--threads": "0"}, "threads 0; give 1 or more"),
        ({"--seeds": "x"}, "--seeds: seeds: 'x' is neither a number of seeds nor a list"),
        ({"--device": "cuda:77"}, "the device 'cuda:77' cannot be used"),
        ({"--scenario": "digits[known=11]", "--seeds": "1"}, "ask for 16 classes, and the data have 10"),
    ],
)
def test_what_is_wrong_is_one_sentence_before_anything_is_written(
    changes: dict[str, str], sentence: str, tmp_path: Path, cli: Cli, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = {"--scenario": "digits", "--network": network, "-o": "f.npz", **changes}
    ran = features(cli, *[word for pair in words.items() for word in pair])
    assert ran.code == 2
    assert sentence in ran.err
    assert ran.err.count("\n") == 1
    assert [path for path in tmp_path.iterdir() if path.name != "cache"] == []


def test_features_of_features_and_weights_of_another_model_are_refused(
    tmp_path: Path, cli: Cli, network: str, weights: Path
) -> None:
    assert features(cli, "--scenario", "digits", "--network", network, "-o", tmp_path / "f.npz").code == 0
    again = features(
        cli, "--scenario", f"features[path={tmp_path}/f.npz]", "--network", network, "-o", tmp_path / "g.npz"
    )
    assert (again.code, "features gives features already; choose a scenario of images" in again.err) == (2, True)
    other = f"torchvision[name=resnet18,weights={weights}]"
    refused = features(cli, "--scenario", "digits", "--network", other, "-o", tmp_path / "g.npz")
    assert (refused.code, "w.pth are not of torchvision's resnet18: the file lacks" in refused.err) == (1, True)


def test_a_third_partys_scenario_that_breaks_is_named(tmp_path: Path, cli: Cli, network: str) -> None:
    (tmp_path / "mine.py").write_text(THIRD.replace('albench.stream(seed, "squares")', "1 / 0"))
    ran = features(cli, "--scenario", f"{tmp_path}/mine.py:Squares", "--network", network, "-o", tmp_path / "f.npz")
    assert ran.code == 2
    assert f"scenario 'Squares' of {tmp_path}/mine.py gives no data: ZeroDivisionError" in ran.err


def test_features_that_are_not_finite_are_refused(tmp_path: Path, cli: Cli) -> None:
    path = write_weights(tmp_path / "nan.pth", 0)
    broken = torch.load(path, weights_only=True)
    broken["conv5.0.weight"][0] = float("nan")
    torch.save(broken, path)
    ran = features(
        cli, "--scenario", "digits", "--network", f"torchvision[name={MODEL},weights={path}]", "-o", tmp_path / "f.npz"
    )  # fmt: skip
    assert ran.code == 1
    assert "or numbers that are not finite; give float32, (n, d)" in ran.err
    assert not (tmp_path / "f.npz").exists()
