"""Decoded copies: verified whenever they are read, made anew where they do not hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import albench
from albench import LabeledImages
from albench_datasets.sources import published
from albench_datasets.sources.decoded import BLOCK_BYTES, decoded
from tests.datasets.layouts import SCENARIO, torchvision_layout

FILES = ["images.npy", "labels.npy", "is_test.npy", "meta.json"]


def flip(path: Path, place: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "first bit": lambda path: flip(path, 0),
    "middle bit": lambda path: flip(path, 0.5),
    "last bit": lambda path: flip(path, 1),
    "half of it": lambda path: os.truncate(path, path.stat().st_size // 2),
    "last byte lost": lambda path: os.truncate(path, path.stat().st_size - 1),
    "one byte more": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "empty": lambda path: os.truncate(path, 0),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "missing": lambda path: path.unlink(),
}


class Source:
    """A source file and the images that it stands for; counts how often it is decoded."""

    def __init__(self, path: Path, parts: bool = True) -> None:
        self.path, self.parts, self.decoded = path, parts, 0
        path.write_text(path.name)

    def content(self) -> LabeledImages:
        draws = albench.stream(0, self.path.name)
        images = draws.integers(0, 256, size=(400, 3, 32, 32)).astype(np.uint8)  # of more than one block
        is_test = np.arange(400) % 4 == 0 if self.parts else None
        return LabeledImages.in_canonical_order(images, np.arange(400) % 7, ["one", *"bcdefg"], is_test)

    def read(self) -> LabeledImages:
        def decode() -> LabeledImages:
            self.decoded += 1
            return self.content()

        return decoded([self.path], decode)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path / "source")


def copies() -> list[Path]:
    """What lies beside the copies counts as well: nothing may be left behind."""
    return sorted(albench.decoded_directory().iterdir())


def assert_same(found: LabeledImages, wanted: LabeledImages) -> None:
    assert found.images.tobytes() == wanted.images.tobytes()
    assert found.labels.tolist() == wanted.labels.tolist()
    assert (found.is_test is None) == (wanted.is_test is None)
    assert found.is_test is None or found.is_test.tolist() == wanted.is_test.tolist()  # type: ignore[union-attr]
    assert (tuple(found.class_names), found.fingerprint) == (tuple(wanted.class_names), wanted.fingerprint)


@pytest.mark.parametrize("parts", [True, False])
def test_an_intact_copy_is_mapped_and_neither_decoded_again_nor_spoken_of(parts: bool, tmp_path: Path) -> None:
    source = Source(tmp_path / "source", parts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [source.read() for _ in range(3)]
    assert source.decoded == 1
    for data in found:
        assert isinstance(data.images, np.memmap)
        assert_same(data, source.content())
    assert source.content().images.nbytes > BLOCK_BYTES


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_copy_is_replaced_by_a_good_one_with_a_word(name: str, damage: str, source: Source) -> None:
    source.read()
    (copy,) = copies()
    DAMAGES[damage](copy / name)
    with pytest.warns(UserWarning, match="is damaged .* decoded again from its sources") as told:
        found = source.read()
    assert str(copy) in str(told[0].message)
    assert len(told) == 1
    assert_same(found, source.content())
    assert isinstance(found.images, np.memmap)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(source.read(), source.content())
    assert source.decoded == 2
    assert copies() == [copy], "the damaged copy and temporary folders are gone"


@pytest.mark.parametrize("name", [None, *FILES])
def test_a_second_copy_beside_a_first_is_its_own_and_what_is_exchanged_between_them_is_seen(
    name: str | None, tmp_path: Path
) -> None:
    sources = [Source(tmp_path / "one"), Source(tmp_path / "two")]
    for source in sources:
        os.utime(source.path, ns=(0, 10**18))  # two files of one size and one time
    sources[0].read()
    (first,) = copies()
    sources[1].read()
    (second,) = set(copies()) - {first}
    for source in sources:
        assert_same(source.read(), source.content())
    for part in [name] if name else FILES:
        shutil.copy(second / part, first / part)
    if name in ("labels.npy", "is_test.npy"):  # the same in both, so nothing is wrong
        assert_same(sources[0].read(), sources[0].content())
        return
    with pytest.warns(UserWarning, match=str(first)):
        assert_same(sources[0].read(), sources[0].content())
    assert_same(sources[1].read(), sources[1].content())
    assert [source.decoded for source in sources] == [2, 1]


def test_a_source_of_another_time_or_another_size_is_decoded_anew(source: Source) -> None:
    time = source.path.stat().st_mtime_ns
    source.read()
    os.utime(source.path, ns=(time, time + 1000))
    source.read()
    source.path.write_text("longer than before")
    os.utime(source.path, ns=(time, time))
    source.read()
    assert source.decoded == 3


def test_a_meta_text_that_was_edited_is_seen(source: Source) -> None:
    source.read()
    (copy,) = copies()
    stored = json.loads((copy / "meta.json").read_text())
    stored["meta"]["class_names"][0] = "two"
    (copy / "meta.json").write_text(json.dumps(stored))
    with pytest.warns(UserWarning, match=r"meta\.json has another checksum"):
        assert_same(source.read(), source.content())


def test_a_file_where_the_copy_belongs_is_replaced(source: Source) -> None:
    source.read()
    (copy,) = copies()
    shutil.rmtree(copy)
    copy.write_text("no folder")
    with pytest.warns(UserWarning, match="is damaged"):
        assert_same(source.read(), source.content())
    assert copies() == [copy]
    assert copy.is_dir()


def test_a_damaged_copy_that_cannot_be_replaced_is_not_used(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    source.read()
    (copy,) = copies()
    flip(copy / "images.npy", 0.7)
    with monkeypatch.context() as patch:  # permissions do not stop root

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError("the cache is read-only")

        patch.setattr("tempfile.mkdtemp", refuse)
        with pytest.warns(UserWarning, match=str(copy)):
            found = source.read()
    assert_same(found, source.content())
    assert not isinstance(found.images, np.memmap)
    assert copies() == [copy]


def test_a_process_that_has_a_copy_mapped_keeps_it_when_the_copy_is_replaced(source: Source) -> None:
    mapped = source.read()
    (copy,) = copies()
    flip(copy / "labels.npy", 1)
    with pytest.warns(UserWarning, match="is damaged"):
        source.read()
    assert_same(mapped, source.content())


READING = """
import sys, time, warnings
from pathlib import Path
from tests.datasets.test_decoded import Source, assert_same

gate, path, times = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
source = Source.__new__(Source)
source.path, source.parts, source.decoded = path, True, 0
print("ready", flush=True)
while not gate.exists():
    time.sleep(0.001)
for _ in range(times):
    assert_same(source.read(), source.content())
"""


@pytest.mark.parametrize("state", ["absent", "damaged"])
def test_processes_that_decode_at_once_all_end_well_and_leave_one_copy(
    state: str, source: Source, tmp_path: Path
) -> None:
    source.read()
    (copy,) = copies()
    if state == "absent":
        shutil.rmtree(copy)
    else:
        flip(copy / "images.npy", 0.5)
    gate = tmp_path / "gate"
    command = [sys.executable, "-c", READING, str(gate), str(source.path), "3"]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    gate.touch()
    for reader in readers:
        _, err = reader.communicate(timeout=120)
        assert reader.returncode == 0, err
        assert state == "damaged" or "is damaged" not in err
    assert copies() == [copy]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(source.read(), source.content())
    assert source.decoded == 1


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from tests.datasets.test_decoded import Source

np.save = lambda *_: os._exit(7)
Source(Path(sys.argv[1])).read()
"""


def test_what_a_process_that_was_killed_left_of_a_copy_stops_no_other(source: Source) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(source.path)], check=False).returncode == 7
    (left,) = copies()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = source.read()
    assert isinstance(found.images, np.memmap)
    assert len(copies()) == 2
    assert left in copies()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_copy_that_another_process_placed_meanwhile_is_kept(moment: str, source: Source) -> None:
    """The other process is this one: it decodes the same source while the first is decoding, or finds it damaged."""
    if moment == "after":
        source.read()
        flip(copies()[0] / "images.npy", 0.5)

    def decode() -> LabeledImages:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source.read()
        placed.append(copies()[0].stat().st_ino)
        return source.content()

    placed: list[int] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if moment == "after" else "error")
        found = decoded([source.path], decode)
    assert_same(found, source.content())
    (copy,) = copies()
    assert copy.stat().st_ino == placed[0]
    assert isinstance(found.images, np.memmap)
    assert Path(found.images.filename).parent == copy  # type: ignore[attr-defined]


def test_a_damaged_copy_of_cifar100_changes_no_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALBENCH_DATA", str(torchvision_layout(tmp_path / "a")))
    before = albench.scenario(SCENARIO).split(0)
    images = before.images.tobytes()
    (copy,) = copies()
    flip(copy / "images.npy", 0.3)
    published._published.cache_clear()
    with pytest.warns(UserWarning, match="is damaged") as told:
        after = albench.scenario(SCENARIO).split(0)
    assert told[0].filename == published.__file__, "whose data set it is"
    assert after.images.tobytes() == images
