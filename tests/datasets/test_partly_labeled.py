"""Data of which a part is labelled, as scenarios give them to albench query."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import albench
from albench.errors import DataError, RequestError
from tests.conftest import Cli
from tests.datasets.photos import cut, photos
from tests.datasets.test_features import BUNCH, saved

LOOK = "size=16,initial_per_class=2,test_per_class=2"


def images(root: Path) -> albench.Scenario:
    return albench.scenario(f'images[path="{root}",{LOOK}]')


def rest(root: Path, n: int = 4) -> Path:
    (root / "holidays" / "2019").mkdir(parents=True)
    for number in range(n):
        cut(number % 2, 500 + number).save(root / ("holidays/2019" if number % 2 else ".") / f"{number}.png")
    return root


def test_images_without_labels_lie_in_any_folders(tmp_path: Path) -> None:
    found = images(photos(tmp_path / "photos")).partly_labeled(rest(tmp_path / "rest")).check()
    assert sorted(found.files) == ["0.png", "2.png", "holidays/2019/1.png", "holidays/2019/3.png"]
    assert found.unlabeled.shape == (4, 3, 16, 16)
    assert len(found.labeled.labels) == 16
    assert found.picture is not None
    for row, file in enumerate(found.files):
        whole = np.asarray(Image.open(tmp_path / "rest" / file)).transpose(2, 0, 1)
        assert np.array_equal(found.picture(row), whole), "a person sees the whole picture"
        assert found.unlabeled[row].mean() == pytest.approx(whole.mean(), abs=60), "and the network the same file"


def test_what_of_the_rest_cannot_be_used_is_named(tmp_path: Path) -> None:
    folder = rest(tmp_path / "rest")
    (folder / "torn.jpg").touch()
    (folder / "notes.txt").touch()
    (folder / "holidays" / "back").symlink_to(folder)
    Image.new("RGB", (40, 40)).save(os.fsencode(folder) + b"/\xff.png", "PNG")
    found = images(photos(tmp_path / "photos")).partly_labeled(folder)
    assert "\\xff.png" in found.files
    assert sorted(found.notes) == [
        "holidays/back is left out: it is a link to a folder that is read already",
        "notes.txt: left out, no image by its name",
        "torn.jpg is left out: it is no picture, or damaged from its beginning",
    ]


def test_labels_and_their_absence_are_decoded_apart(tmp_path: Path) -> None:
    root = photos(tmp_path / "photos")
    shutil.copytree(root, tmp_path / "rest")
    found = images(root).partly_labeled(tmp_path / "rest")
    assert len(found.files) == len(found.labeled.labels) == 16
    assert images(tmp_path / "rest").split(0).class_names == ("china", "flower"), "the same files are labelled now"


def test_rows_of_features_without_a_label_are_left_out_of_a_study(tmp_path: Path) -> None:
    few = albench.scenario(
        f'features[path="{saved(tmp_path / "few.npz", features=BUNCH.data[:500] / 16, labels=BUNCH.target[:500])}",initial_per_class=3]'
    )
    labels = np.where(np.arange(900) < 500, BUNCH.target[:900], -1)
    names = np.where(labels < 0, "", labels.astype(str))
    for text, given in (("numbers", labels), ("names", names)):
        path = saved(tmp_path / f"{text}.npz", labels=given)
        own = albench.scenario(f'features[path="{path}",initial_per_class=3]')
        assert own.fingerprint(0) == few.fingerprint(0)
        assert own.split(0).notes == ("400 rows without a label are left out",)
        found = own.partly_labeled(None).check()
        assert (len(found.labeled.labels), len(found.unlabeled)) == (500, 400)
        assert found.files[0] == "row 500"
        assert np.array_equal(found.unlabeled[7], (BUNCH.data[507] / 16).astype(np.float32))
        assert found.labeled.files is not None
        for place, file in enumerate(found.labeled.files):
            row = int(file.removeprefix("row "))
            assert np.array_equal(found.labeled.images[place], (BUNCH.data[row] / 16).astype(np.float32))
            assert found.labeled.class_names[found.labeled.labels[place]] == str(BUNCH.target[row])


def test_paths_name_rows_and_the_test_part_is_neither_trained_on_nor_asked_for(tmp_path: Path) -> None:
    labels = np.where(np.arange(900) < 500, BUNCH.target[:900], -1)
    path = saved(tmp_path / "f.npz", labels=labels, paths=[f"{n}.png" for n in range(900)], is_test=np.arange(900) % 2)
    found = albench.scenario(f'features[path="{path}"]').partly_labeled(None).check()
    assert (len(found.labeled.labels), len(found.unlabeled)) == (250, 200)
    assert {int(Path(name).stem) % 2 for name in (*found.files, *(found.labeled.files or ()))} == {0}
    assert list(found.notes) == ["250 labelled rows of the test part are left out"]


def test_a_class_of_features_that_is_named_and_unused_gets_no_number(tmp_path: Path) -> None:
    labels = np.where(BUNCH.target[:900] == 0, -1, BUNCH.target[:900])
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    found = albench.scenario(f'features[path="{saved(tmp_path / "f.npz", labels=labels, class_names=words)}"]')
    data = found.partly_labeled(None).labeled
    assert list(data.class_names) == words[1:]
    assert set(data.labels.tolist()) == set(range(9))


def test_a_scenario_whose_examples_are_all_labelled_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match="the scenario Digits gives no examples without a label; choose one that does, such"
    ):
        albench.scenario("digits").partly_labeled(None)


def test_data_that_do_not_fit_together_are_refused(tmp_path: Path, cli: Cli) -> None:
    found = images(photos(tmp_path / "photos")).partly_labeled(rest(tmp_path / "rest"))
    with pytest.raises(
        DataError, match=r"labelled examples are uint8 of shape \(3, 16, 16\), and unlabelled ones float32"
    ):
        replace(found, unlabeled=np.zeros((4, 9), dtype=np.float32)).check()
    with pytest.raises(DataError, match="there are 4 unlabelled examples and 1 names of files"):
        replace(found, files=["a.png"]).check()
    with pytest.raises(DataError, match="there are 16 labelled examples and no names of files"):
        replace(found, labeled=replace(found.labeled, files=None)).check()
    with pytest.raises(DataError, match="all labels are 'china'; label examples of two classes at least"):
        replace(found, labeled=replace(found.labeled, class_names=["china"])).check()
