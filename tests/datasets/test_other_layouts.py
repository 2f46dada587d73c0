"""MedMNIST's files, Tiny ImageNet's folders and anybody's Parquet files, of real images rewritten in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

import albench
from albench.errors import DataError, RequestError
from albench.testing import ScenarioContract
from albench_datasets import medmnist as medmnist_sets
from albench_datasets import tiny_imagenet as tiny
from tests.datasets.rewritten import in_parquet, pictures
from tests.datasets.test_published import by_pixels

SMALL = "initial_per_class=1,pool_per_class=2,test_per_class=2"


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    medmnist_sets._medmnist.cache_clear()
    tiny._tiny_imagenet.cache_clear()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("ALBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def assert_written(split: albench.Split, written: dict[bytes, tuple[int, bool]]) -> None:
    """The images, their classes (numbers of CIFAR-100, in their order) and their parts are those that were written."""
    assert len(split.images) == len(written)
    used = sorted({label for label, _ in written.values()})
    for rows, is_test in ((split.initial, False), (split.pool, False), (split.test, True)):
        for row in rows:
            assert written[np.ascontiguousarray(split.images[row]).tobytes()] == (used[split.labels[row]], is_test)


def medmnist(folder: Path, grey: bool, **changes: Any) -> dict[str, Any]:
    """Write pathmnist.npz with nine classes, a third of the training images as its validation part."""
    parts = pictures(1 if grey else 3, 28)
    content = {}
    for part, name, which in (
        ("train", "train", slice(0, 40)),
        ("train", "val", slice(40, 60)),
        ("test", "test", slice(None)),
    ):
        images, labels = parts[part][0][which], parts[part][1][which]
        images, labels = images[labels < 9], labels[labels < 9]
        content[f"{name}_images"] = images[:, 0] if grey else images.transpose(0, 2, 3, 1)
        content[f"{name}_labels"] = labels[:, None].astype(np.uint8)
    np.savez(folder / "pathmnist.npz", **{**content, **changes})
    return content


class TestMedMnistContract(ScenarioContract):
    @pytest.fixture
    def scenario(self, root: Path) -> albench.Scenario:
        medmnist(root, grey=False)
        return albench.scenario(f"medmnist[{SMALL}]")


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("below", ["", "medmnist"])
def test_medmnist_reads_the_files_of_its_package(grey: bool, below: str, root: Path) -> None:
    (root / below).mkdir(exist_ok=True)
    medmnist(root / below, grey)
    scenario = albench.scenario(f"medmnist[{SMALL}]")
    assert scenario.data_found() == str(root / below / "pathmnist.npz")
    split = scenario.split(0).check()
    written = {key: value for key, value in by_pixels(pictures(1 if grey else 3, 28)).items() if value[0] < 9}
    assert_written(split, written)
    assert split.class_names[0] == "adipose"


def test_every_flag_of_medmnist_has_names() -> None:
    assert set(medmnist_sets.CLASSES) == set(get_args(medmnist_sets.Flag))
    assert all(len(set(names)) == len(names) >= 2 for names in medmnist_sets.CLASSES.values())


def test_medmnist_says_which_file_it_wants(root: Path) -> None:
    del root
    with pytest.raises(DataError, match=r"bloodmnist_64\.npz is not in .*; put the file of the package medmnist there"):
        albench.scenario("medmnist[flag=bloodmnist,side=64]").split(0)
    with pytest.raises(RequestError, match="flag: input should be 'pathmnist'"):
        albench.scenario("medmnist[flag=chestmnist]")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train_labels": np.zeros((40, 2), dtype=np.uint8)}, "labels are not one of 9 classes for each image"),
        ({"test_labels": np.full((27, 1), 9, dtype=np.uint8)}, "labels are not one of 9 classes for each image"),
        ({"val_images": np.zeros((18, 28, 28, 3))}, "images are float64 of shape"),
    ],
)
def test_medmnist_of_other_content_is_refused(changes: dict[str, Any], sentence: str, root: Path) -> None:
    medmnist(root, False, **changes)
    with pytest.raises(DataError, match=sentence):
        albench.scenario("medmnist").split(0)


def tiny_imagenet(root: Path) -> Path:
    """Write the published folder, as JPEG files."""
    folder = root / tiny.FOLDER
    (folder / "val" / "images").mkdir(parents=True)
    words = [f"n{label:08}\t{'crane' if label > 7 else f'thing {label}'}, of a kind" for label in range(10)]
    (folder / "words.txt").write_text("\n".join([*words, "n99999999\tother"]) + "\n")
    annotations = []
    for part, (images, labels) in pictures(3, 64).items():
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            picture = Image.fromarray(image.transpose(1, 2, 0))
            if part == "train":
                place = folder / "train" / f"n{label:08}" / "images"
                place.mkdir(parents=True, exist_ok=True)
                picture.convert("L" if number == 3 else "RGB").save(place / f"n{label:08}_{number}.JPEG")
            else:
                picture.save(folder / "val" / "images" / f"val_{number}.JPEG")
                annotations.append(f"val_{number}.JPEG\tn{label:08}\t0\t0\t62\t62\n")
    (folder / "val" / "val_annotations.txt").write_text("".join(annotations))
    return folder


class TestTinyImagenetContract(ScenarioContract):
    @pytest.fixture
    def scenario(self, root: Path) -> albench.Scenario:
        tiny_imagenet(root)
        return albench.scenario(f"tiny-imagenet[known=4,novel=4,{SMALL}]")


def test_tiny_imagenet_is_read_from_its_folders(root: Path) -> None:
    folder = tiny_imagenet(root)
    scenario = albench.scenario(f"tiny-imagenet[known=5,novel=5,{SMALL}]")
    assert scenario.data_found() == "the folder tiny-imagenet-200"
    split = scenario.split(0).check()
    assert split.class_names[7:] == ("thing 7", "crane (n00000008)", "crane (n00000009)")
    assert split.images.shape == (90, 3, 64, 64)
    assert split.files is not None
    for rows, part in ((split.initial, "train"), (split.pool, "train"), (split.test, "val")):
        for row in rows:
            with Image.open(folder / split.files[row]) as picture:
                pixels = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
            assert np.array_equal(split.images[row], pixels)
            assert split.files[row].startswith(part)
            assert part == "val" or f"n{split.labels[row]:08}" in split.files[row]


def test_tiny_imagenet_says_what_is_damaged_or_missing(root: Path) -> None:
    with pytest.raises(DataError, match="Tiny ImageNet is not in"):
        albench.scenario("tiny-imagenet").split(0)
    folder = tiny_imagenet(root)
    path = folder / "val" / "images" / "val_3.JPEG"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"val_3\.JPEG is damaged"):
        albench.scenario("tiny-imagenet").split(0)
    path.unlink()
    with pytest.raises(DataError, match=r"val_3\.JPEG is missing"):
        albench.scenario("tiny-imagenet").split(0)
    (folder / "words.txt").write_text("one word a line\n")
    (folder / "val" / "val_annotations.txt").unlink()
    with pytest.raises(DataError, match=r"val_annotations\.txt cannot be read"):
        albench.scenario("tiny-imagenet").split(0)


def test_tiny_imagenet_comes_as_parquet_files_too(root: Path) -> None:
    names = [f"n{label:08}" for label in range(10)]
    parts = {"train": pictures(3, 64)["train"], "valid": pictures(3, 64)["test"]}
    in_parquet(root / "tiny-imagenet" / "data", parts, "image", "label", names)
    split = albench.scenario(f"tiny-imagenet[known=5,novel=5,{SMALL}]").split(0).check()
    assert_written(split, by_pixels(pictures(3, 64)))
    assert list(split.class_names) == names


class TestParquetContract(ScenarioContract):
    @pytest.fixture
    def scenario(self, root: Path) -> albench.Scenario:
        in_parquet(root / "any", pictures(), "pixels", "what")
        return albench.scenario(f'parquet[path="{root / "any"}",image=pixels,label=what,size=32,{SMALL}]')


@pytest.mark.parametrize("below", ["", "data"])
@pytest.mark.parametrize("names", [None, [f"class {label}" for label in range(10)]])
def test_parquet_takes_any_columns(below: str, names: list[str] | None, root: Path) -> None:
    in_parquet(root / "any" / below, pictures(), "pixels", "what", names)
    split = albench.scenario(f'parquet[path="{root / "any"}",image=pixels,label=what,size=32,{SMALL}]').split(0).check()
    assert_written(split, by_pixels(pictures()))
    assert list(split.class_names) == (names or [str(label) for label in range(10)])
    assert split.files is not None
    assert all(name.startswith("test-0000") for name in np.array(split.files)[split.test])


def test_parquet_takes_names_for_labels_sizes_of_any_kind_and_names_what_it_leaves_out(root: Path) -> None:
    (images, labels), folder = pictures(3, 40)["train"], root / "any"
    in_parquet(folder, {"train": (images, labels)}, "image", "label")
    for path in folder.glob("*.parquet"):
        table = parquet.read_table(path)
        cells = table["image"].to_pylist()
        cells[2:4] = [{"bytes": b"damaged", "path": None}, None]
        words = [f"class {label}" for label in table["label"].to_pylist()]
        parquet.write_table(pyarrow.table({"image": cells, "label": words}), path)
    split = albench.scenario(f'parquet[path="{folder}",size=16,initial_per_class=1,test_per_class=1]').split(0).check()
    assert split.images.shape == (56, 3, 16, 16)
    assert split.class_names[0] == "class 0"
    assert list(split.notes) == [
        f"train-0000{number}-of-00002.parquet, row {row} is left out: it is no picture, or damaged from its beginning"
        for number in range(2)
        for row in (2, 3)
    ]


@pytest.mark.parametrize(
    ("values", "names", "sentence"),
    [
        (np.full(60, 0.5), None, "does not hold a number or a name in each row"),
        (np.full(60, 4), None, "holds images only of one class, '4'"),
        (np.arange(60) % 3 - 1, ["a", "b"], "runs from -1 to 1, and the schema's metadata name 2 classes"),
    ],
)
def test_parquet_of_labels_that_are_none_is_refused(
    values: np.ndarray, names: list[str] | None, sentence: str, root: Path
) -> None:
    in_parquet(root / "any", {"train": (pictures()["train"][0], values)}, "image", "label", names)
    with pytest.raises(DataError, match=sentence):
        albench.scenario(f'parquet[path="{root / "any"}"]').split(0)


def test_a_folder_without_parquet_files_or_columns_is_refused(root: Path) -> None:
    with pytest.raises(DataError, match="holds no Parquet files; give a folder that holds some"):
        albench.scenario(f'parquet[path="{root}"]').split(0)
    in_parquet(root / "any", pictures(), "img", "label")
    with pytest.raises(DataError, match="no readable Parquet file with the columns image and label"):
        albench.scenario(f'parquet[path="{root / "any"}"]').split(0)
