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
