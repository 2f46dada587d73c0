"""A store as one file: what is in it, what reads it, and what is no archive."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import albench
from albench.errors import StoreError
from albench.store.anonymous import record_without_paths
from albench.store.archive import ALWAYS_FINE, Archive
from albench.store.sealed import unseal
from tests.conftest import Cli, small_options, small_run
from tests.reports.synthetic import Synthetic


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("archived") / "s"
    small_run(root, "random,min", seeds=1)
    return root


@pytest.fixture
def archive(store: Path, tmp_path: Path) -> Path:
    return albench.export(store, tmp_path / "results.zip")


def test_an_archive_is_read_wherever_a_store_is(store: Path, archive: Path, tmp_path: Path, cli: Cli) -> None:
    pd.testing.assert_frame_equal(albench.load(archive), albench.load(store))
    assert cli("status", archive).out == cli("status", store).out
    assert cli("report", archive).code == 0
    assert (tmp_path / "results.html").exists(), "the report goes beside it"
    text = [cli("report", where, "--format", "md", "-o", "-").out for where in (archive, store)]
    assert text[0] == text[1]
    again = albench.export(archive, tmp_path / "again.zip")
    assert again.read_bytes() == archive.read_bytes()


def test_an_archive_holds_results_and_provenance_and_weights_when_asked(store: Path, tmp_path: Path, cli: Cli) -> None:
    for weights in (False, True):
        path = tmp_path / f"{weights}.zip"
        assert cli("export", store, "-o", path, *(["--weights"] if weights else [])).code == 0
        names = {Path(name).name.split("-")[0] for name in zipfile.ZipFile(path).namelist()}
        more = {"checkpoint.safetensors", "seed"} if weights else set()
        assert names == {"study.json", "cell.json", "rounds.jsonl", "outcome.json"} | more
    whole = albench.merge(tmp_path / "True.zip", tmp_path / "whole")
    assert small_run(whole, "random,min", rounds=3).exit_code == 0
    part = albench.merge(tmp_path / "False.zip", tmp_path / "part")
    assert small_run(part, "random,min").exit_code == 0
    refused = small_run(part, "random,min", rounds=3)
    assert {one.status for one in refused.statuses} == {"failed"}
    assert "as in an archive without weights" in refused.statuses[0].reason


def test_no_absolute_path_leaves_with_an_archive(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "secret folder" / "mine.py"
    mine.parent.mkdir()
    mine.write_text(
        "import albench\nclass Mine(albench.Strategy):\n    def score(self, query):\n"
        f"        raise ValueError('cannot read {tmp_path}/secret/x.npy')\n"
    )
    store = tmp_path / "secret folder" / "s"
    options = ["--seeds", 1, *small_options(), "--store", store]
    assert cli("run", "--strategies", f"{mine}:Mine,random", *options).code == 1
    archive = albench.export(store, tmp_path / "a.zip")
    with zipfile.ZipFile(archive) as opened:
        text = b"".join(opened.read(name) for name in opened.namelist()).decode()
    assert "secret" not in text.replace("cannot read …/x.npy", "")
    assert "cannot read …/x.npy" in text
    assert str(tmp_path) not in text
    assert [one.reason for one in albench.store.store.open_store(archive).statuses() if one.status == "failed"] == [
        "ValueError: cannot read …/x.npy"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-I/usr/include/x", "-I…/x"),
        ("--store=/somewhere/a/s", "--store=…/s"),
        ("~/mine.py:Mine", "…/mine.py:Mine"),
        ("cannot read '/data/a b.npy' (line 3)", "cannot read '…/a b.npy' (line 3)"),
        ("C:\\data\\x.npy", "…/x.npy"),
        ("runs/quick", "runs/quick"),
        ("1/2", "1/2"),
    ],
)
def test_of_a_path_the_file_alone_stays(text: str, expected: str) -> None:
    record = {"key": text, "provenance": {"command": [text]}}
    assert record_without_paths(record) == {"key": text, "provenance": {"command": [expected]}}


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_rounds_are_exported_as_a_frame(suffix: str, store: Path, archive: Path, tmp_path: Path, cli: Cli) -> None:
    for where in (store, archive):
        path = tmp_path / f"rounds.{suffix}"
        assert cli("export", where, "-o", path).code == 0
        frame = pd.read_parquet(path) if suffix == "parquet" else pd.read_csv(path)
        whole = albench.load(store)
        assert list(frame.columns) == list(whole.columns)
        assert frame.accuracy.tolist() == whole.accuracy.tolist()
        assert json.loads(frame.query_indices[1]) == whole.query_indices[1].tolist()
        assert json.loads(frame.notes[1]) == {}


def test_another_suffix_and_weights_elsewhere_are_refused(store: Path, tmp_path: Path, cli: Cli) -> None:
    for words in (["-o", tmp_path / "x.txt"], ["-o", tmp_path / "x.csv", "--weights"], ["-o", tmp_path / "x"]):
        ran = cli("export", store, *words)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert "write to a name that ends in .zip, .parquet or .csv" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_no_cell_runs_in_an_archive_or_any_file_or_in_a_folder_of_other_things(
    archive: Path, tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / "file").write_text("x")
    for where, what in ((archive, "is a file"), (tmp_path / "file", "is a file"), (tmp_path, "is no store, and holds")):
        ran = cli("run", "--strategies", "random", "--seeds", 1, *small_options(), "--store", where)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert what in ran.err
    assert (tmp_path / "file").read_text() == "x"


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    with zipfile.ZipFile(archive) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            target.writestr(name, data)


def lying(archive: Path) -> None:
    """Claim in the directory that a file is smaller than it is."""
    data = bytearray(archive.read_bytes())
    place = data.index(b"PK\x01\x02") + 24  # the size when unpacked, in the first entry of the central directory
    data[place : place + 4] = struct.pack("<I", struct.unpack("<I", data[place : place + 4])[0] - 100)
    archive.write_bytes(bytes(data))


def overlapping(archive: Path) -> None:
    """Claim that every file is as long as the whole archive."""
    data = bytearray(archive.read_bytes())
    place = data.find(b"PK\x01\x02")
    while place >= 0:
        data[place + 20 : place + 24] = struct.pack("<I", len(data))
        place = data.find(b"PK\x01\x02", place + 4)
    archive.write_bytes(bytes(data))


def nested(files: dict[str, bytes]) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as target:
        for name, data in files.items():
            target.writestr(name, data)
    files["inner.zip"] = inner.getvalue()


HOSTILE: dict[str, Callable[[Path], object]] = {
    "no zip": lambda path: path.write_bytes(b"x" * 1000),
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "cut to half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "nested": lambda path: rewritten(path, nested),
    "upwards": lambda path: rewritten(path, lambda files: files.update({"../../x": b"x"})),
    "upwards in a cell": lambda path: rewritten(
        path, lambda files: files.update({"cells/../../seed-0-00000000/cell.json": b"x"})
    ),
    "absolute": lambda path: rewritten(path, lambda files: files.update({"/etc/x": b"x"})),
    "backslashes": lambda path: rewritten(path, lambda files: files.update({"cells\\..\\x": b"x"})),
    "another file": lambda path: rewritten(path, lambda files: files.update({"run.py": b"x"})),
    "without a study": lambda path: rewritten(path, lambda files: files.pop("study.json")),
    "overlapping": overlapping,
    "a bomb": lambda path: rewritten(
        path, lambda files: files.update({"cells/a/b/seed-0-00000000/rounds.jsonl": b"\0" * 80_000_000})
    ),
}

REASONS = {
    "no zip": "no whole zip archive",
    "empty": "no whole zip archive",
    "cut short": "no whole zip archive",
    "cut to half": "no whole zip archive",
    "nested": "it holds 'inner.zip', which is no file of a store",
    "upwards": "it holds '../../x', which",
    "upwards in a cell": "it holds 'cells/../../seed-0-00000000/cell.json', which",
    "absolute": "it holds '/etc/x', which",
    "backslashes": "it holds 'cells",
    "another file": "it holds 'run.py', which",
    "without a study": "there is no study.json in it",
    "overlapping": "it claims more than it holds",
    "a bomb": "it would unpack to more than 200 times its size",
}


@pytest.mark.parametrize("fault", HOSTILE)
@pytest.mark.parametrize("command", ["status", "report", "export", "merge"])
def test_what_is_no_archive_is_refused_in_a_sentence(
    fault: str, command: str, archive: Path, tmp_path: Path, cli: Cli
) -> None:
    HOSTILE[fault](archive)
    words = {"status": [], "report": ["-o", tmp_path / "r.html"], "export": ["-o", tmp_path / "o.zip"]}
    ran = cli(command, archive, *words.get(command, ["-o", tmp_path / "m"]))
    assert ran.code == 2, ran
    assert "Traceback" not in ran.err
    assert ran.err.splitlines()[-1].startswith("error: "), ran.err
    assert str(archive) in ran.err
    assert REASONS[fault] in ran.err
    assert not (tmp_path / "o.zip").exists()


@pytest.mark.parametrize(
    ("zeros", "noise"), [(20_000_000, 0), (70_000_000, 500_000)], ids=["small when unpacked", "large and hard to pack"]
)
def test_an_archive_that_packs_well_is_no_bomb(zeros: int, noise: int, archive: Path) -> None:
    content = random.Random(0).randbytes(noise) + bytes(zeros)
    rewritten(archive, lambda files: files.update({"cells/a/b/seed-0-00000000/rounds.jsonl": content}))
    assert len(content) > (200 if zeros < 64 * 2**20 else 0) * archive.stat().st_size
    assert "cells/a/b/seed-0-00000000/rounds.jsonl" in Archive(archive).names()


def test_an_archive_may_unpack_to_as_much_as_is_always_fine_and_no_byte_more(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        left = ALWAYS_FINE - sum(info.file_size for info in opened.infolist())
    name = "cells/a/b/seed-0-00000000/rounds.jsonl"
    rewritten(archive, lambda files: files.update({name: bytes(left)}))
    assert name in Archive(archive).names()
    rewritten(archive, lambda files: files.update({name: bytes(left + 1)}))
    with pytest.raises(StoreError, match="it would unpack to more than 200 times its size"):
        Archive(archive).names()


def test_a_file_of_text_that_would_fill_the_memory_is_refused(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    largest = max(info.file_size for info in zipfile.ZipFile(archive).infolist())
    monkeypatch.setattr("albench.store.archive.MOST_BYTES", largest)
    assert list(Archive(archive).names())
    monkeypatch.setattr("albench.store.archive.MOST_BYTES", largest - 1)
    with pytest.raises(StoreError, match="would unpack to more than"):
        Archive(archive)


def test_a_size_that_a_file_has_not_is_damage_and_no_crash(archive: Path, cli: Cli) -> None:
    lying(archive)
    ran = cli("status", archive)
    assert "Traceback" not in ran.err
    assert "study.json in" in ran.err
    assert "is damaged" in ran.err


def test_a_damaged_cell_of_an_archive_is_left_out_and_named(archive: Path, cli: Cli) -> None:
    def flip(files: dict[str, bytes]) -> None:
        name = next(name for name in files if name.endswith("rounds.jsonl") and "/min/" in name)
        files[name] = files[name].replace(b'"n_labeled": 1', b'"n_labeled": 2', 1)

    rewritten(archive, flip)
    with pytest.warns(
        albench.StoreWarning, match=r"min / seed 0 is damaged and left out: .*rounds\.jsonl in .*results"
    ):
        assert set(albench.load(archive).strategy) == {"random"}
    assert "get the archive anew, or export it again" in cli("status", archive).out


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    store = Synthetic().write(tmp_path / "s")
    one, other = (albench.export(store, tmp_path / name).read_bytes() for name in ("one.zip", "other.zip"))
    assert one == other


def test_a_part_of_an_archive_is_what_the_store_has(store: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if name.endswith(("rounds.jsonl", "outcome.json")):
                assert opened.read(name) == (store / name).read_bytes()
            elif name != "study.json":
                kept, own = unseal(opened.read(name)), unseal((store / name).read_bytes())
                assert kept["spec"] == own["spec"]
                assert kept["provenance"]["versions"] == own["provenance"]["versions"]


def test_a_store_with_a_name_that_is_no_utf8_is_run_and_read(tmp_path: Path, cli: Cli) -> None:
    where = tmp_path / "s\udcff"
    words: list[Any] = ["--strategies", "random", "--seeds", 1, *small_options(), "--store", where]
    ran = cli("run", *words)
    assert ran.code == 0, ran.err
    assert cli("run", *words, "--set", "rounds=3").code == 0
    assert cli("status", where).code == 0
    assert cli("export", where, "-o", tmp_path / "a\udcff.zip").code == 0
    assert len(albench.load(tmp_path / "a\udcff.zip")) == 4
