"""Published data sets in the layouts in which they come, with torchvision's checksums for the files of a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import utils

import albench
from albench.errors import DataError
from albench.plugins.host import host
from albench.testing import ScenarioContract
from albench_datasets.sources.published import Published
from tests.datasets.rewritten import COLUMNS, FOLDERS, LAYOUTS, SHAPES, Part, in_parquet, pictures

DOWNLOADED = ["cifar10", "cifar100", "fashion-mnist", "mnist", "stl10", "svhn"]
SMALL = "initial_per_class=2,pool_per_class=3,test_per_class=all"


def scenario(name: str) -> albench.Scenario:
    return albench.scenario(f"{name}[{SMALL}]")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(params=LAYOUTS)
def name(request: pytest.FixtureRequest, root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a data set whose files are there."""
    LAYOUTS[request.param](root, monkeypatch)
    return str(request.param)


class TestContract(ScenarioContract):
    @pytest.fixture
    def scenario(self, name: str) -> albench.Scenario:
        return scenario(name)


def by_pixels(parts: dict[str, Part]) -> dict[bytes, tuple[int, bool]]:
    return {
        np.ascontiguousarray(image).tobytes(): (int(label), part == "test")
        for part, (images, labels) in parts.items()
        for image, label in zip(images, labels, strict=True)
    }


def test_pixels_labels_and_parts_are_those_of_the_files(name: str) -> None:
    written = by_pixels(pictures(*SHAPES[name]))
    split = scenario(name).split(0).check()
    assert len(split.images) == len(written) == 90
    assert (len(split.initial), len(split.pool), len(split.test)) == (5 * 2, 10 * 3, 10 * 3)
    for row in (*split.initial, *split.pool):
        assert written[split.images[row].tobytes()] == (split.labels[row], False)
    for row in split.test:
        assert written[split.images[row].tobytes()] == (split.labels[row], True)


def test_parquet_files_give_the_same_data(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = scenario(name).fingerprint(0)
    folder = tmp_path / "other" / FOLDERS.get(name, name)
    in_parquet(folder, pictures(*SHAPES[name]), *COLUMNS.get(name, ("image", "label")))
    monkeypatch.setenv("ALBENCH_DATA", str(tmp_path / "other"))
    assert scenario(name).data_found() == f"4 Parquet files in {folder}"
    assert scenario(name).fingerprint(0) == one


@pytest.mark.parametrize("name", ["cifar10", "svhn", "stl10"])  # the others have none but when they are downloaded
def test_a_changed_byte_is_seen_by_torchvisions_checksum(
    name: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LAYOUTS[name](root, monkeypatch)
    files = scenario(name).source.files  # type: ignore[attr-defined]
    path = root / files[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"as torchvision keeps it \(RuntimeError: Dataset not found or corrupted"):
        scenario(name).split(0)


def test_a_file_that_is_cut_short_or_missing_is_an_error(name: str, root: Path) -> None:
    path = root / scenario(name).source.files[0]  # type: ignore[attr-defined]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"does not hold .* as torchvision keeps it .*; replace it"):
        scenario(name).split(0)
    path.unlink()
    with pytest.raises(DataError, match=f"{path.name} is missing; complete the folder, or delete it to download"):
        scenario(name).split(0)


def test_what_is_there_is_said_and_what_is_not_is_asked_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(scenario(name).data_found()).startswith("torchvision's f")
    monkeypatch.setenv("ALBENCH_DATA", str(tmp_path / "none"))
    assert scenario(name).data_found() is None
    with pytest.raises(
        DataError, match=r"is not downloaded .* or Parquet files .* or give the folder above with --data"
    ):
        scenario(name).split(0)


def test_a_download_is_asked_of_torchvision_for_both_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    from torchvision import datasets

    asked = []
    monkeypatch.delenv("ALBENCH_OFFLINE")
    monkeypatch.setattr(datasets.SVHN, "download", lambda own: asked.append(own.split) or _place(root, monkeypatch))
    assert len(scenario("svhn").split(0).check().images) == 90
    assert asked == ["train", "test"]


def _place(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (root / "train_32x32.mat").exists():
        root.rmdir()
        LAYOUTS["svhn"](root, monkeypatch)


@pytest.mark.parametrize(
    ("labels", "image", "sentence"),
    [
        (np.full(60, 10), "image", "the column label does not hold numbers from 0 to 9"),
        (np.full(60, -1), "image", "the column label does not hold numbers from 0 to 9"),
        (np.full(60, 0.5), "image", "the column label does not hold numbers from 0 to 9"),
        (None, "picture", "no readable Parquet file with the columns image and label"),
    ],
)
def test_parquet_files_of_other_content_are_refused(
    labels: np.ndarray | None, image: str, sentence: str, root: Path
) -> None:
    parts = pictures(1, 28)
    if labels is not None:
        parts = {**parts, "train": (parts["train"][0], labels)}
    in_parquet(root / "mnist", parts, image, "label")
    with pytest.raises(DataError, match=sentence):
        scenario("mnist").split(0)


def test_parquet_images_of_several_sizes_are_refused(root: Path) -> None:
    in_parquet(root / "mnist", {**pictures(1, 28), "test": pictures(1, 27)["test"]}, "image", "label")
    with pytest.raises(
        DataError, match=r"the image in row 0 has the shape \(1, 27, 27\), and others have \(1, 28, 28\)"
    ):
        scenario("mnist").split(0)


@pytest.mark.parametrize("name", DOWNLOADED)
def test_a_download_of_other_bytes_is_refused(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALBENCH_OFFLINE", raising=False)
    monkeypatch.setattr(utils, "_get_redirect_url", lambda url, max_hops: url)
    monkeypatch.setattr(utils, "_urlretrieve", lambda url, path: Path(path).write_bytes(b"other"))
    with pytest.raises(
        DataError, match=r"could not be downloaded \(RuntimeError: .*File not found or corrupted"
    ) as refused:
        scenario(name).split(0)
    assert "\n" not in str(refused.value)


def test_every_data_set_that_is_downloaded_is_tried_with_other_bytes() -> None:
    classes = {name: host().component_class("scenarios", name) for name in host().names("scenarios")}
    assert sorted(name for name, cls in classes.items() if issubclass(cls, Published)) == DOWNLOADED
