"""CIFAR-100 in both layouts, on small files that the tests make."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import albench
from albench.errors import DataError
from albench_datasets.sources import published
from tests.datasets.layouts import NAMES, PARTS, SCENARIO, parquet_layout, torchvision_layout


def test_both_layouts_give_the_same_splits_and_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for root in (torchvision_layout(tmp_path / "a"), parquet_layout(tmp_path / "b" / "cifar100").parent):
        monkeypatch.setenv("ALBENCH_DATA", str(root))
        scenario = albench.scenario(SCENARIO)
        found.append((scenario.fingerprint(0), scenario.split(3).check()))
    assert found[0][0] == found[1][0]
    for part in ("images", "labels", "initial", "pool", "test"):
        assert np.array_equal(getattr(found[0][1], part), getattr(found[1][1], part))
    assert found[0][1].class_names == tuple(NAMES)


def test_pixels_and_labels_are_those_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALBENCH_DATA", str(torchvision_layout(tmp_path / "a")))
    split = albench.scenario(SCENARIO).split(0)
    by_pixels = {
        image.tobytes(): label for images, labels in PARTS.values() for image, label in zip(images, labels, strict=True)
    }
    for row in [*split.initial, *split.pool, *split.test]:
        assert by_pixels[np.ascontiguousarray(split.images[row]).tobytes()] == split.labels[row]
    tests = {image.tobytes() for image in PARTS["test"][0]}
    assert all(np.ascontiguousarray(split.images[row]).tobytes() in tests for row in split.test)
    assert not any(np.ascontiguousarray(split.images[row]).tobytes() in tests for row in split.pool)


def test_a_data_set_is_decoded_once_and_again_when_its_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = torchvision_layout(tmp_path / "a")
    monkeypatch.setenv("ALBENCH_DATA", str(root))
    calls = []
    original = published.Source.from_torchvision
    monkeypatch.setattr(published.Source, "from_torchvision", lambda own, root: calls.append(1) or original(own, root))
    for expected in (1, 1):
        published._published.cache_clear()
        albench.scenario(SCENARIO).split(0)
        assert len(calls) == expected
    meta = root / "cifar-100-python" / "meta"
    meta.write_bytes(pickle.dumps({"fine_label_names": [name.upper() for name in NAMES]}))
    published._published.cache_clear()
    assert albench.scenario(SCENARIO).split(0).class_names[0] == "CLASS 0"


def test_a_cache_that_cannot_be_written_costs_time_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("ALBENCH_DATA", str(torchvision_layout(tmp_path / "a")))
    albench.scenario(SCENARIO).split(0).check()


def damage_truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("layout", "name", "content", "message"),
    [
        (torchvision_layout, "cifar-100-python/train", None, "train is damaged"),
        (torchvision_layout, "cifar-100-python/meta", pickle.dumps({"other": 1}), "does not hold CIFAR-100"),
        (torchvision_layout, "cifar-100-python/train", pickle.dumps(Path("x")), "has no place in CIFAR-100"),
        (parquet_layout, "train-00000-of-00001.parquet", None, "is no readable Parquet file"),
        (parquet_layout, "test-00000-of-00001.parquet", b"not a table", "is no readable Parquet file"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(
    layout: object, name: str, content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = layout(tmp_path / "a")  # type: ignore[operator]
    monkeypatch.setenv("ALBENCH_DATA", str(root))
    path = root / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    with pytest.raises(DataError, match=message) as caught:
        albench.scenario(SCENARIO).split(0)
    assert str(path.parent) in str(caught.value)


def test_a_missing_file_of_a_layout_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = torchvision_layout(tmp_path / "a")
    (root / "cifar-100-python" / "meta").unlink()
    monkeypatch.setenv("ALBENCH_DATA", str(root))
    with pytest.raises(DataError, match="meta is missing"):
        albench.scenario(SCENARIO).split(0)


@pytest.mark.parametrize("missing", ["train", "test"])
def test_parquet_files_of_one_part_alone_are_no_data_set(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = parquet_layout(tmp_path / "a")
    (root / f"{missing}-00000-of-00001.parquet").unlink()
    monkeypatch.setenv("ALBENCH_DATA", str(root))
    assert albench.scenario(SCENARIO).data_found() is None
    with pytest.raises(DataError, match=r"CIFAR-100 is not in .*, and it is not downloaded"):
        albench.scenario(SCENARIO).split(0)


def test_a_download_makes_the_folders_that_are_not_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(root: str, download: bool, train: bool) -> None:
        assert Path(root).is_dir()
        assert download
        if not train:
            return
        torchvision_layout(tmp_path / "elsewhere")
        (tmp_path / "elsewhere" / "cifar-100-python").rename(Path(root) / "cifar-100-python")

    monkeypatch.delenv("ALBENCH_OFFLINE")
    monkeypatch.setenv("ALBENCH_DATA", str(tmp_path / "none" / "of" / "these"))
    monkeypatch.setattr("torchvision.datasets.CIFAR100", download)
    assert albench.scenario(SCENARIO).split(0).check().class_names == tuple(NAMES)


def test_a_download_that_fails_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.delenv("ALBENCH_OFFLINE")
    monkeypatch.setenv("ALBENCH_DATA", str(tmp_path / "none"))
    monkeypatch.setattr("torchvision.datasets.CIFAR100", refuse)
    with pytest.raises(DataError, match=r"could not be downloaded \(OSError: no network\); get it elsewhere"):
        albench.scenario(SCENARIO).split(0)
