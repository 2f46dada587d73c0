"""Features from a file or a folder: what is used, what is refused, and what makes two files the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import albench
from albench.errors import DataError, RequestError
from albench.testing import ScenarioContract
from tests.conftest import Cli

BUNCH = load_digits()
SMALL = "initial_per_class=3,pool_per_class=20,test_per_class=20"


def content(**changes: Any) -> dict[str, Any]:
    """Return the arrays of a file: the digits' grey values, as nobody's best features."""
    whole = {"features": BUNCH.data[:900] / 16, "labels": BUNCH.target[:900]}
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def saved(path: Path, **changes: Any) -> Path:
    np.savez(path, **content(**changes))
    return path


def scenario(path: Path, more: str = SMALL) -> albench.Scenario:
    return albench.scenario(f'features[path="{path}",{more}]')


class TestContract(ScenarioContract):
    @pytest.fixture
    def scenario(self, tmp_path: Path) -> albench.Scenario:
        return scenario(saved(tmp_path / "f.npz"))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "uint8"])
def test_rows_labels_and_paths_belong_together(dtype: str, tmp_path: Path) -> None:
    features = (BUNCH.data[:900] if dtype == "uint8" else BUNCH.data[:900] / 16).astype(dtype)
    paths = [f"digits/{row}.png" for row in range(900)]
    split = scenario(saved(tmp_path / "f.npz", features=features, paths=paths)).split(0).check()
    assert split.images.dtype == np.float32
    assert split.files is not None
    for place, name in enumerate(split.files):
        row = int(Path(name).stem)
        assert np.array_equal(split.images[place], features[row].astype(np.float32))
        assert split.class_names[split.labels[place]] == str(BUNCH.target[row])


def test_a_folder_of_arrays_another_order_and_names_for_numbers_are_the_same_data(tmp_path: Path) -> None:
    words = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    one = scenario(saved(tmp_path / "f.npz", class_names=words))
    order = albench.stream(0, "test").permutation(900)
    (tmp_path / "folder").mkdir()
    for name, value in content(class_names=words).items():
        np.save(tmp_path / "folder" / f"{name}.npy", value if name == "class_names" else value[order])
    other = scenario(tmp_path / "folder")
    assert one.fingerprint(0) == other.fingerprint(0)
    assert np.array_equal(one.split(1).images, other.split(1).images)
    named = scenario(saved(tmp_path / "named.npz", labels=words[BUNCH.target[:900]])).split(0)
    assert sorted(named.class_names) == sorted(words)


def test_rows_of_the_test_part_are_the_test_set(tmp_path: Path) -> None:
    split = scenario(saved(tmp_path / "f.npz", is_test=np.arange(900) % 3 == 0), "test_per_class=all").split(0).check()
    assert len(split.test) == 300
    assert len(split.initial) + len(split.pool) == 600


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"features": None}, r"f.npz holds no features; it needs features, \(n, d\), and labels"),
        ({"labels": None}, r"f.npz holds no labels; it needs"),
        ({"features": np.zeros(900)}, r"features are float64 of shape \(900,\); give numbers of shape \(n, d\)"),
        ({"features": np.zeros((900, 0))}, r"features are float64 of shape \(900, 0\)"),
        ({"features": np.full((900, 3), "a")}, "features are <U1 of shape"),
        ({"features": np.array([[{}]])}, "features cannot be read .*pickle"),
        ({"features": np.where(np.arange(900) == 7, np.nan, 1.0)[:, None]}, "1 rows of features hold NaN.* row 7;"),
        ({"features": np.where(np.arange(900) > 1, 1e300, 1.0)[:, None]}, "898 rows of features hold NaN.* row 2;"),
        (
            {"labels": BUNCH.target[:899]},
            r"labels are of shape \(899,\), and there are 900 features; give one for each",
        ),
        ({"labels": BUNCH.target[:900, None]}, r"labels are of shape \(900, 1\)"),
        ({"labels": np.where(np.arange(900) == 5, -2, BUNCH.target[:900])}, "labels run from -2 to 9; give the name"),
        ({"labels": np.where(np.arange(900) == 5, 10**12, 0)}, "labels run from 0 to 1000000000000; give the name"),
        ({"labels": BUNCH.target[:900] / 2}, "labels run from 0.0 to 4.5; give the name"),
        ({"labels": np.where(np.arange(900) == 5, np.nan, 1)}, "labels run from nan to nan; give the name"),
        ({"labels": np.ones(900, dtype=bool)}, "labels are bool; give the name"),
        ({"labels": np.full(900, 3)}, "all labels are '3'; give features of two classes at least"),
        ({"class_names": np.array(["a", "b"])}, "labels run from 0 to 9; give the name .* an integer from 0 to 1"),
        ({"paths": np.array(["a"])}, r"paths are of shape \(1,\), and there are 900 features"),
        ({"is_test": np.array([True])}, r"is_test are of shape \(1,\), and there are 900 features"),
    ],
)
def test_what_is_wrong_is_one_sentence(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        scenario(saved(tmp_path / "f.npz", **changes)).split(0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", b"no archive at all"])
def test_a_file_that_numpy_cannot_read_is_named(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    path.write_bytes(damage)
    with pytest.raises(DataError, match=r"f\.npz: features cannot be read"):
        scenario(path).split(0)


def test_a_file_that_is_cut_short_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "f.npz")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"f\.npz: features cannot be read"):
        scenario(path).split(0)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no .*gone\.npz; give an \.npz file, or a folder"):
        scenario(tmp_path / "gone.npz").split(0)


def test_a_class_of_two_examples_is_too_small(tmp_path: Path) -> None:
    labels = np.where(np.arange(900) < 2, 1, 0)
    with pytest.raises(RequestError, match="class '1' has 2 images"):
        scenario(saved(tmp_path / "f.npz", labels=labels)).split(0)


def test_features_run_under_both_protocols_and_the_network_of_images_says_what_to_do(tmp_path: Path, cli: Cli) -> None:
    path = saved(tmp_path / "f.npz", paths=[f"{row}.png" for row in range(900)])
    text = f'features[path="{path}",known=5,novel=5,{SMALL}]'
    words = ["--scenarios", text, "--strategies", "random,badge,typiclust", "--seeds", "1", "--rounds", "2"]
    refused = cli("run", *words, "--store", tmp_path / "s")
    assert refused.code == 2
    assert "takes images, and the scenario gives features of 64 numbers; choose a network of features" in refused.err
    values = ["n_sets=20", "set_size=5", "query_size=20", "initial_iterations=300", "update_iterations=50"]
    more = [word for value in [*values, "learning_rate=0.1"] for word in ("--set", value)]
    protocols = ["--protocol", "discovery,top-k", "--network", "linear,mlp[hidden=32]"]
    ran = cli("run", *words, *more, *protocols, "--store", tmp_path / "s")
    assert ran.code == 0, ran.err
    frame = albench.load(tmp_path / "s")
    assert frame[frame["round"] == 0].accuracy_known.min() > 0.8
    assert frame[frame["round"] > 0].query_files.map(len).isin([5, 20]).all()
