"""Earlier answers: what a strategy sees of them, how their files are found again, and when labels stop paying."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import albench
from tests.conftest import Cli
from tests.querying.conftest import Photos, write_photos

SPY = """
import json
from dataclasses import dataclass

import torch

import albench


@dataclass(frozen=True)
class Spy(albench.Strategy):
    '''Tells what it sees, and wants the first examples.'''

    to: str = "seen.json"

    def select(self, query, k):
        seen = {
            "round": query.round,
            "history": query.history.tolist(),
            "labels": query.labels.tolist(),
            "classes": query.n_classes,
            "remembers": list(query.memory),
            "ids": query.labeled_ids.tolist(),
        }
        with open(self.to, "w") as file:
            json.dump(seen, file)
        return torch.arange(k)
"""


@pytest.fixture
def spied(tmp_path: Path) -> Path:
    (tmp_path / "spy.py").write_text(SPY)
    return tmp_path / "seen.json"


def seen(photos: Photos, spied: Path, *history: str, output: str = "spied.csv") -> dict[str, list[int]]:
    more = [word for name in history for word in ("--history", photos.root / name)]
    ran = photos.query(f'{spied.parent}/spy.py:Spy[to="{spied}"]', *more, output=output)
    assert ran.code == 0, ran.err
    found: dict[str, list[int]] = json.loads(spied.read_text())
    return {**found, "err": ran.err}  # type: ignore[dict-item]


@pytest.mark.parametrize("copy", [False, True])
def test_a_strategy_sees_the_round_that_asked_for_each_label(copy: bool, photos: Photos, spied: Path) -> None:
    assert photos.query("random", output="1.csv").code == 0
    photos.label(photos.table("1.csv")["file"].tolist(), copy)
    assert photos.query("random", "--seed", 1, output="2.csv", k=4).code == 0
    second = photos.table("2.csv")["file"].tolist()
    assert not set(second) & set(photos.table("1.csv")["file"])
    photos.label(second, copy)
    found = seen(photos, spied, "1.csv", "2.csv")
    assert found["round"] == 3
    assert found["history"] == [0] * 20 + [1] * 6 + [2] * 4
    asked = [*photos.table("1.csv")["file"], *second]
    assert found["labels"][20:] == [int(photos.truth(file)) for file in asked], "in the order of their ranks"
    assert found["remembers"] == []
    assert set(found["ids"]) == {-1}
    assert seen(photos, spied, output="none.csv")["history"] == [0] * 30, "nothing is told without --history"


def test_classes_that_an_answer_brought_are_grown_as_in_a_study(tmp_path: Path, cli: Cli, spied: Path) -> None:
    photos = write_photos(tmp_path / "photos", cli, n_known=2)
    shutil.move(photos.labeled / "0", photos.unlabeled / "zeros")
    new = sorted(path for path in photos.unlabeled.rglob("*.png") if photos.truth(str(path)) in "23")
    photos.label([str(path.relative_to(photos.unlabeled)) for path in new[-4:]])
    zeros = [f"zeros/{path.name}" for path in sorted((photos.unlabeled / "zeros").iterdir())[:3]]
    (photos.root / "1.csv").write_text("rank,file\n" + "".join(f"{n},{file}\n" for n, file in enumerate(zeros, 1)))
    photos.label(zeros)
    found = seen(photos, spied, "1.csv")
    assert found["classes"] == 4
    assert found["labels"][-3:] == [3, 3, 3], "the class of the answer is the last output, though its name is first"
    plain = seen(photos, spied, output="plain.csv")
    assert plain["labels"].count(0) == 3, "without history all classes are known from the start, in their order"


def test_what_was_asked_for_and_is_not_labelled_stays_in_the_pool(photos: Photos, spied: Path) -> None:
    assert photos.query("random", output="1.csv").code == 0
    asked = photos.table("1.csv")["file"].tolist()
    photos.label(asked[:2])
    found = seen(photos, spied, "1.csv")
    assert found["history"] == [0] * 20 + [1] * 2
    assert "2 of the 6 files that" in found["err"]  # type: ignore[operator]
    assert photos.query("random", "--history", photos.root / "1.csv", output="2.csv", k=74).code == 0
    assert set(asked[2:]) < set(photos.table("2.csv")["file"])


def test_files_of_one_name_are_told_apart_by_their_content_or_not_at_all(photos: Photos, spied: Path) -> None:
    one, other = sorted(photos.unlabeled.rglob("*.png"))[:2]
    clash = min((photos.labeled / "0").iterdir()).name
    copied = one.rename(one.parent / clash)
    moved = other.rename(photos.unlabeled / clash)
    shutil.copy(copied, photos.labeled / "1" / "renamed.png")
    (photos.labeled / "2" / "deep").mkdir()
    shutil.move(moved, photos.labeled / "2" / "deep" / clash)
    files = [str(copied.relative_to(photos.unlabeled)), clash]
    (photos.root / "1.csv").write_text("rank,file\n" + "".join(f"{n},{file}\n" for n, file in enumerate(files, 1)))
    found = seen(photos, spied, "1.csv")
    assert found["history"].count(1) == 1, "the moved one could be either of two files of that name"
    assert found["labels"][-1] == 1, "the copied one is found by its content under another name"
    assert "1 of the 2 files" in found["err"]  # type: ignore[operator]


def test_an_answer_of_which_nothing_is_labelled_is_no_round(photos: Photos, spied: Path) -> None:
    assert photos.query("random", output="1.csv").code == 0
    assert seen(photos, spied, "1.csv")["round"] == 1
    three = ["--history", photos.root / "1.csv"] * 3
    ran = photos.query("min", *three, output="2.csv")
    assert "0 of the 6 files" in ran.err
    assert len(ran.out.splitlines()) == 3, "networks that learn nothing in between tell nothing"


def test_a_history_that_leaves_one_class_is_refused(photos: Photos) -> None:
    rows = [f"{path.parent.name}/{path.name}" for digit in "123" for path in (photos.labeled / digit).iterdir()]
    (photos.root / "1.csv").write_text("rank,file\n" + "".join(f"{n},{file}\n" for n, file in enumerate(rows, 1)))
    ran = photos.query("random", "--history", photos.root / "1.csv")
    assert ran.code == 2
    assert "without the files that --history asks for, fewer than two classes are labelled" in ran.err


@pytest.mark.parametrize("strategy", ["prediction-flips", "cluster-margin"])
def test_a_strategy_with_a_memory_begins_without_one(strategy: str, photos: Photos) -> None:
    assert photos.query(strategy, output="1.csv").code == 0
    photos.label(photos.table("1.csv")["file"].tolist())
    assert photos.query(strategy, "--history", photos.root / "1.csv", output="2.csv").code == 0


class Digits:
    """A file of features of which more and more rows are labelled."""

    def __init__(self, root: Path, cli: Cli, n_rows: int = 600) -> None:
        self.root, self.cli = root, cli
        bunch = load_digits()
        self.features, self.truth = bunch.data[:n_rows] / 16, bunch.target[:n_rows]
        self.labels = np.where(np.arange(n_rows) < 40, self.truth, -1)
        self.answers: list[Path] = []

    def query(self, k: int, *more: object) -> str:
        np.savez(self.root / "f.npz", features=self.features, labels=self.labels)
        output = self.root / f"{len(self.answers)}.csv"
        history = [word for path in self.answers for word in ("--history", path)]
        ran = self.cli(
            "query", "--features", self.root / "f.npz", "--strategy", "1vs2", "-k", k, "-o", output, *history, *more
        )
        assert ran.code == 0, ran.err
        self.answers.append(output)
        return ran.out

    def label(self) -> None:
        lines = self.answers[-1].read_text().splitlines()[1:]
        rows = [int(line.split(",")[1].removeprefix("row ")) for line in lines]
        assert (self.labels[rows] == -1).all(), "what is labelled is not asked for again"
        self.labels[rows] = self.truth[rows]


def test_on_features_labels_stop_paying_when_predictions_have_settled_and_not_before(tmp_path: Path, cli: Cli) -> None:
    digits, said = Digits(tmp_path, cli), []
    for k in (40, 60, 80, 80, 80):
        said.append(digits.query(k, "--set", "iterations=200", "--set", "learning_rate=0.01"))
        digits.label()
    assert "pay" not in said[0]
    for place in (1, 2):
        assert f"can be told from 3 earlier answers on, {place} so far (stabilizing predictions" in said[place]
    assert "More labels still change what the network says: before and after each of the last 3 answers" in said[3]
    assert "less than 0.99 (stabilizing predictions, Bloodgood and Vijay-Shanker 2009; networks trained" in said[3]
    last = digits.query(20, "--set", "iterations=200", "--set", "learning_rate=0.01", "--stop-agreement", "0.95")
    assert "More labels of this kind have stopped paying:" in last, last
    assert "at least 0.95 (stabilizing" in last


def test_python_is_told_whether_to_stop(tmp_path: Path, cli: Cli) -> None:
    digits = Digits(tmp_path, cli)
    for _ in range(3):
        digits.query(20, "--set", "iterations=30")
        digits.label()
    np.savez(tmp_path / "f.npz", features=digits.features, labels=digits.labels)
    ask = {"features": tmp_path / "f.npz", "strategy": "random", "k": 5, "set": {"iterations": 30}}
    assert albench.query(**ask, history=digits.answers[:2]).stop is None
    assert albench.query(**ask, history=digits.answers).stop is False
    assert albench.query(**ask, history=digits.answers, stop_agreement=0.05).stop is True


def test_an_answer_that_a_spreadsheet_has_saved_is_read(photos: Photos, spied: Path) -> None:
    assert photos.query("random", output="1.csv").code == 0
    path = photos.root / "1.csv"
    files = photos.table("1.csv")["file"].tolist()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    photos.label(files)
    assert seen(photos, spied, "1.csv")["history"] == [0] * 20 + [1] * 6
