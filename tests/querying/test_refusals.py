"""A query that cannot be answered is one sentence and exit code 2, before anything is trained."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import PluginFolder
from tests.querying.conftest import SMALL, Photos

WRONG: dict[str, tuple[list[str], str]] = {
    "a reference line that sees all labels": (["--strategy", "all-labels"], "all-labels is a reference line: it sees"),
    "one that sees the pool's": (["--strategy", "oracle-novel"], "oracle-novel is a reference line: it sees pool labels"),
    "an unknown strategy": (["--strategy", "bagde"], "there is no strategy 'bagde'; did you mean 'badge'?"),
    "two strategies": (["--strategy", "min,max"], "strategies: min, max are 2; a query takes one"),
    "too many": (["-k", "77"], "-k 77: 76 examples are left to label; ask for at most so many"),
    "none": (["-k", "0"], "-k 0; ask for 1 or more"),
    "a negative seed": (["--seed", "-1"], "--seed -1; give a number from 0"),
    "no threads": (["--threads", "0"], "threads=0; give 1 or more"),
    "no device": (["--device", "abacus"], "the device 'abacus' cannot be used"),
    "no parameter": (["--set", "itertions=3"], "none of images[size=8,grey=true], cifar10-quick, retrain["),
    "no agreement": (["--stop-agreement", "1.5"], "--stop-agreement 1.5; give a share above 0"),
    "a network of features": (["--network", "linear"], "linear cannot be used with images[size=8,grey=true]: it takes"),
    "data that are all labelled": (["--scenario", "digits"], "the scenario digits reads no data of one's own"),
    "another suffix": (["-o", "next.xlsx"], "next.xlsx does not end in .csv"),
    "a setting of no store": (["--setting", "digits"], "--setting names a setting of a store"),
    "two places of data": (["--features", "f.npz"], "give either a folder of labelled images with --labeled"),
    "two ways to a strategy": (["--strategy-from", "runs"], "give either a strategy with --strategy"),
    "no history": (["--history", "gone.csv"], "gone.csv is no answer of albench query (FileNotFoundError"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_one_sentence(case: str, photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos.root)
    more, sentence = WRONG[case]
    ran = photos.query("random", *more)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert not list(photos.root.glob("next*"))


def test_without_a_strategy_or_data_it_says_what_to_give(photos: Photos) -> None:
    where = ["--labeled", photos.labeled, "--unlabeled", photos.unlabeled]
    assert "give either a strategy with --strategy ('albench list strategies'), or" in photos.cli("query", *where).err
    assert "give either a folder of labelled images" in photos.cli("query", "--strategy", "min").err
    ran = photos.cli("query", "--strategy", "min", *where[:2])
    assert (ran.code, "name their folder with --unlabeled" in ran.err) == (2, True)


def test_one_class_and_an_empty_class_folder(photos: Photos) -> None:
    for digit in "23":
        shutil.rmtree(photos.labeled / digit)
    for path in (photos.labeled / "1").iterdir():
        path.unlink()
    ran = photos.query("min")
    assert ran.code == 2
    assert "labeled holds images only of one class, '0' (1 is left out: it holds no images); give" in ran.err


def test_an_empty_class_folder_is_no_class_and_is_named(photos: Photos) -> None:
    (photos.labeled / "9").mkdir()
    ran = photos.query("min")
    assert "note: 9 is left out: it holds no images" in ran.err
    assert "of 4 classes" in ran.out


def test_folders_without_images_to_choose_from(photos: Photos) -> None:
    shutil.rmtree(photos.unlabeled)
    assert "unlabeled cannot be read (No such file or directory); give a folder of images" in photos.query("min").err
    photos.unlabeled.mkdir()
    (photos.unlabeled / "list.txt").write_text("none")
    ran = photos.query("min")
    assert "holds no image that can be used (list.txt: left out, no image by its name); give a folder" in ran.err
    shutil.copytree(photos.labeled / "0", photos.unlabeled / "again")
    assert "nothing is left to label: again/" in photos.query("min").err


def test_a_folder_inside_the_labelled_one_would_be_a_class(photos: Photos) -> None:
    shutil.move(photos.unlabeled, photos.labeled / "rest")
    ran = photos.cli("query", "--labeled", photos.labeled, "--unlabeled", photos.labeled / "rest", "--strategy", "min")
    assert ran.code == 2
    assert "lies in the folder of labelled images, which takes each of its folders for a class; move it out" in ran.err


def test_a_strategy_that_only_ranks_sets_is_refused(photos: Photos, plugins: PluginFolder) -> None:
    plugins.install_strategy("sets", "def score_sets(self, query):\n    return query.sets.float().mean(dim=1)")
    ran = photos.query("sets")
    assert ran.code == 2
    assert "sets only ranks candidate sets, which are drawn with labels that nobody has here; choose" in ran.err


def test_a_strategy_that_breaks_its_contract_fails_with_its_own_code(photos: Photos, plugins: PluginFolder) -> None:
    plugins.install_strategy("broken", "def score(self, query):\n    return query.probabilities[:, 0] * float('nan')")
    ran = photos.query("broken")
    assert (ran.code, ran.out) == (1, "")
    assert "score(query) must return one finite number a pool example; 76 of them are NaN" in ran.err
    assert not list(photos.root.glob("next*"))


def test_ctrl_c_writes_nothing(photos: Photos) -> None:
    (photos.root / "slow.py").write_text(
        "import time\nfrom dataclasses import dataclass\nimport albench\n\n\n@dataclass(frozen=True)\n"
        "class Slow(albench.Strategy):\n    'Takes its time.'\n\n"
        "    def score(self, query):\n        print('asked', flush=True)\n        time.sleep(300)\n"
    )
    where = ["--labeled", str(photos.labeled), "--unlabeled", str(photos.unlabeled)]
    command = [sys.executable, "-m", "albench", "query", *where, "--strategy", "slow.py:Slow", "-k", "3", *SMALL]
    with subprocess.Popen(command, cwd=photos.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "asked\n"
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (130, "interrupted; nothing was written\n")
    assert not list(photos.root.glob("next*"))


@pytest.mark.parametrize("there", ["next.csv", "next.html"])
def test_an_answer_that_is_there_is_kept(there: str, photos: Photos) -> None:
    (photos.root / there).write_text("mine")
    ran = photos.query("random")
    assert ran.code == 2
    assert f"{there} is there already, and --history may need it; name another file with --output" in ran.err
    assert (photos.root / there).read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file,score\na.png,1\n", "it has no column 'rank'"),
        ("rank,score\n1,2\n", "it has no column 'file'"),
        ("rank,file\nfirst,a.png\n", "ValueError"),
        ("rank,file\n1\n", "is no answer of albench query"),
        ("\0\0", "is no answer of albench query"),
    ],
)
def test_a_history_that_is_no_answer_is_refused(text: str, sentence: str, photos: Photos, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(text)
    ran = photos.query("random", "--history", tmp_path / "old.csv")
    assert ran.code == 2
    assert sentence in ran.err


def test_features_without_a_free_row_or_with_a_folder_are_refused(photos: Photos, tmp_path: Path) -> None:
    features = np.random.default_rng(0).random((20, 4))
    np.savez(tmp_path / "f.npz", features=features, labels=np.arange(20) % 2)
    ask = ["query", "--features", tmp_path / "f.npz", "--strategy", "min", "-k", 2, "-o", tmp_path / "next.csv"]
    assert "f.npz has no row without a label; give such rows the label -1" in photos.cli(*ask).err
    assert "leave out --unlabeled" in photos.cli(*ask, "--unlabeled", photos.unlabeled).err
    np.savez(tmp_path / "f.npz", features=features, labels=np.where(np.arange(20) < 3, 0, -1))
    assert "all labels are '0'; give features of two classes" in photos.cli(*ask).err
    np.savez(tmp_path / "f.npz", features=features, labels=np.full(20, -1))
    assert "no row has a label; give features of two classes" in photos.cli(*ask).err
