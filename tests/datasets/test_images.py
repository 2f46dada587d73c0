"""Anybody's folder of images: what is used, what is left out and named, and what makes two folders the same."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import albench
from albench.errors import DataError, RequestError
from albench.store.store import open_store
from albench.testing import ScenarioContract
from tests.conftest import Cli, small_options
from tests.datasets.photos import CLASSES, cut, photos

SMALL = "size=16,initial_per_class=2,test_per_class=2"


def scenario(root: Path, more: str = SMALL) -> albench.Scenario:
    return albench.scenario(f'images[path="{root}",{more}]')


def notes(root: Path) -> list[str]:
    return list(scenario(root).split(0).check().notes)


class TestContract(ScenarioContract):
    @pytest.fixture
    def scenario(self, tmp_path: Path) -> albench.Scenario:
        return scenario(photos(tmp_path / "photos"))


def test_every_image_is_its_file(tmp_path: Path) -> None:
    split = scenario(photos(tmp_path / "photos")).split(0).check()
    assert split.images.shape == (16, 3, 16, 16)
    assert split.files is not None
    assert {Path(name).parent.name for name in split.files} == set(CLASSES) == set(split.class_names)
    for row in (*split.initial, *split.pool, *split.test):
        path = tmp_path / "photos" / split.files[row]
        assert split.class_names[split.labels[row]] == path.parent.name
        with Image.open(path) as picture:
            small = picture.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        assert np.abs(split.images[row].mean(axis=(1, 2)) - small).max() < 40
    assert notes(tmp_path / "photos") == []


def test_by_default_every_class_is_known_and_every_image_used(tmp_path: Path) -> None:
    split = scenario(photos(tmp_path / "photos")).split(0)
    assert (sorted(split.known), split.novel) == ([0, 1], [])
    assert len(split.initial) + len(split.pool) + len(split.test) == 16


def test_a_copy_of_the_folder_gives_the_same_cells_whatever_its_files_are_called(tmp_path: Path) -> None:
    one = photos(tmp_path / "photos")
    other = Path(shutil.copytree(one, tmp_path / "far" / "away"))
    for number, path in enumerate(sorted(other.glob("china/*"))):
        path.rename(path.with_stem(f"renamed {number}"))
    assert scenario(one).fingerprint(0) == scenario(other).fingerprint(0)
    for part in ("images", "labels", "initial", "pool", "test"):
        assert np.array_equal(getattr(scenario(one).split(3), part), getattr(scenario(other).split(3), part))


def test_another_size_another_pixel_or_another_class_name_is_another_data_set(tmp_path: Path) -> None:
    root = photos(tmp_path / "photos")
    found = {scenario(root).fingerprint(0), scenario(root, SMALL.replace("16", "24")).fingerprint(0)}
    (root / "china").rename(root / "temple")
    found.add(scenario(root).fingerprint(0))
    cut(0, 99).save(root / "temple" / "0.png")
    found.add(scenario(root).fingerprint(0))
    assert len(found) == 4


def test_images_are_decoded_once_and_again_when_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from albench_datasets import images
    from albench_datasets.sources import collected

    root, calls = photos(tmp_path / "photos"), []
    original = collected.pixels
    monkeypatch.setattr(collected, "pixels", lambda path, look: calls.append(path) or original(path, look))
    for expected in (16, 16):
        images._decoded.cache_clear()
        scenario(root).split(0)
        assert len(calls) == expected
    cut(0, 99).save(root / "china" / "0.png")
    scenario(root).split(0)
    assert len(calls) == 32


def bomb(path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    content = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content + b"\0\0\1\0IDAT")


def test_what_cannot_be_used_is_left_out_and_named(tmp_path: Path) -> None:
    root = photos(tmp_path / "photos")
    clean = scenario(root).fingerprint(0)
    (root / "china" / "cut.png").write_bytes((root / "china" / "0.png").read_bytes()[:400])
    (root / "china" / "empty.jpg").touch()
    (root / "flower" / "dot.png").write_bytes(b"")
    Image.new("RGB", (4, 4)).save(root / "flower" / "dot.png")
    bomb(root / "flower" / "bomb.png")
    (root / "flower" / "notes.txt").write_text("no picture")
    (root / "flower" / ".hidden.png").write_text("no picture")
    (root / "nothing").mkdir()
    (root / "flower" / "back").symlink_to(root)
    (root / "flower" / "self").symlink_to(root / "flower")
    (root / "flower" / "gone.png").symlink_to(root / "gone.png")
    os.mkfifo(root / "flower" / "pipe.png")
    Image.new("RGB", (40, 40)).save(root / "alone.png")
    assert sorted(notes(root)) == [
        "alone.png, and 1 more such files: left out, no image by its name or in no class folder",
        "china/cut.png is left out: it cannot be decoded (image file is truncated)",
        "china/empty.jpg is left out: it is no picture, or damaged from its beginning",
        "flower/back is left out: it is a link to a folder that is read already",
        "flower/bomb.png is left out: it says it has more than 100,000,000 pixels",
        "flower/dot.png is left out: it has 4 x 4 pixels, and a side needs 8",
        "flower/gone.png is left out: it cannot be read (No such file or directory)",
        "flower/pipe.png is left out: it is no file",
        "flower/self is left out: it is a link to a folder that is read already",
        "nothing is left out: it holds no images",
    ]
    assert scenario(root).fingerprint(0) == clean


def test_a_class_folder_below_a_class_belongs_to_it(tmp_path: Path) -> None:
    root = photos(tmp_path / "photos")
    flat = scenario(root).fingerprint(0)
    (root / "china" / "2019").mkdir()
    (root / "china" / "0.png").rename(root / "china" / "2019" / "first.png")
    assert scenario(root).fingerprint(0) == flat
    assert "china/2019/first.png" in (scenario(root).split(0).files or ())


def test_names_that_are_no_utf_8_and_control_characters_are_escaped(tmp_path: Path) -> None:
    root = photos(tmp_path / "photos")
    (root / "china").rename(root / os.fsdecode(b"ch\xefna"))
    (root / "flower" / "0.png").rename(root / "flower" / "new\nline\x1b.png")
    split = scenario(root).split(0).check()
    assert split.class_names == ("ch\\xefna", "flower")
    assert {"ch\\xefna/0.png", "flower/new\\nline\\x1b.png"} < set(split.files or ())


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        ([], "holds images of no class; give images of two classes at least"),
        (["china"], "holds images only of one class, 'china'; give images of two"),
    ],
)
def test_a_folder_of_fewer_than_two_classes_is_refused(classes: list[str], sentence: str, tmp_path: Path) -> None:
    root = photos(tmp_path / "photos")
    for name in set(CLASSES) - set(classes):
        shutil.rmtree(root / name)
    with pytest.raises(DataError, match=sentence):
        scenario(root).split(0)


def test_a_class_whose_images_are_all_damaged_is_no_class(tmp_path: Path) -> None:
    root = photos(tmp_path / "photos")
    for path in (root / "china").iterdir():
        path.write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"only of one class, 'flower' \(china/0.png is left out: it is no picture"):
        scenario(root).split(0)
    shutil.copytree(root / "flower", root / "tulip")
    assert notes(root)[-1] == "china is left out: none of its images can be used"


def test_two_images_a_class_are_too_few_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"has 2 images, and 2 for the initial set, 1 for the pool and 2 for the test are asked"
    ):
        scenario(photos(tmp_path / "photos", per_class=2)).split(0)


@pytest.mark.parametrize(("path", "why"), [("gone", "No such file"), ("file", "Not a directory")])
def test_what_is_no_folder_is_refused(path: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=f"{path} cannot be read .{why}.*give a folder that holds a folder"):
        scenario(tmp_path / path).split(0)


def test_a_folder_that_is_not_named_is_asked_for() -> None:
    with pytest.raises(RequestError, match="path: field required"):
        albench.scenario("images")


def run(cli: Cli, root: Path, store: Path, label: str = "images") -> str:
    name = "" if label == "images" else f"name={label},"
    text = f'images[{name}path="{root}",{SMALL}]'
    options = ["--protocol", "top-k[query_size=3]", "--seeds", "1", *small_options()[:4], *small_options(rounds=2)[-4:]]
    ran = cli("run", "--scenarios", text, "--strategies", "random,min", *options, "--store", store)
    assert ran.code == 0, ran.err
    return ran.out


def test_a_run_names_the_files_that_were_asked_for_and_a_copy_elsewhere_has_its_cells(tmp_path: Path, cli: Cli) -> None:
    root, store = photos(tmp_path / "photos"), tmp_path / "s"
    (root / "china" / "bad.png").write_bytes(b"bad")
    run(cli, root, store)
    frame = albench.load(store)
    assert frame.scenario.unique().tolist() == ["images[initial_per_class=2,test_per_class=2,size=16]"]
    asked = frame.query_files[frame["round"] > 0]
    assert all((root / name).is_file() for names in asked for name in names)
    assert asked.map(len).tolist() == [3, 3] * 2
    report = (store / "report.html").read_text(encoding="utf-8")
    assert "china/bad.png is left out: it is no picture, or damaged from its beginning" in report
    assert "cannot be shown" not in report
    assert str(root) not in str([open_store(store).study["settings"], asked.tolist()])
    before = {path: path.stat().st_mtime_ns for path in store.glob("cells/*/*/*/rounds.jsonl")}
    root.rename(tmp_path / "elsewhere")
    run(cli, tmp_path / "elsewhere", store)
    assert before == {path: path.stat().st_mtime_ns for path in store.glob("cells/*/*/*/rounds.jsonl")}
    lost = cli("report", store, "--output", tmp_path / "late.html", "--data", tmp_path / "elsewhere")
    assert lost.code == 0
    assert "cannot be shown" not in (tmp_path / "late.html").read_text(encoding="utf-8")


def test_a_store_takes_no_further_strategy_on_other_images_and_all_of_them_anew(tmp_path: Path, cli: Cli) -> None:
    root, store = photos(tmp_path / "photos"), tmp_path / "s"
    run(cli, root, store)
    cut(0, 99).save(root / "china" / "more.png")
    text = f'images[path="{root}",{SMALL}]'
    values = [*small_options()[:4], *small_options(rounds=2)[-4:]]
    options = ["--protocol", "top-k[query_size=3]", "--seeds", "1", *values, "--dry-run", "--store", store]
    ran = cli("run", "--scenarios", text, "--strategies", "random,max", *options)
    assert ran.code == 2
    assert "/ min / seed 0, computed from other data than those of images" in ran.err
    assert cli("run", "--scenarios", text, "--strategies", "random,min,max", *options).code == 0


def test_two_folders_of_one_label_are_refused_until_one_has_a_name(tmp_path: Path, cli: Cli) -> None:
    one, other = photos(tmp_path / "a"), photos(tmp_path / "b", per_class=9)
    texts = [f'images[path="{root}",{SMALL}]' for root in (one, other)]
    options = ["--strategies", "random", "--protocol", "top-k", "--dry-run", "--store", tmp_path / "s"]
    ran = cli("run", "--scenarios", ",".join(texts), *options)
    assert ran.code == 2
    assert "are not the same; give one a name" in ran.err
    texts[1] = texts[1].replace("[", "[name=second,")
    assert cli("run", "--scenarios", ",".join(texts), *options).code == 0


def test_a_study_file_names_folders_from_where_it_lies(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos(tmp_path / "study" / "photos")
    monkeypatch.chdir(tmp_path)
    for number, scenarios in enumerate(
        (
            f'scenarios = "images[path=photos,{SMALL}]"',
            "[scenarios.images]\npath = 'photos'\ninitial_per_class = 2\ntest_per_class = 2",
        )
    ):
        file = tmp_path / "study" / f"{number}.toml"
        file.write_text(f"strategies = 'random'\nprotocol = 'top-k'\n{scenarios}\n")
        ran = cli("run", file, "--dry-run", "--store", tmp_path / "s")
        assert ran.code == 0, ran.err
