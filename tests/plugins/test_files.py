"""Components that nobody installed, from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import albench
from albench.errors import RequestError
from albench.study.choice import Choice
from albench.study.study import Request, read_study
from tests.conftest import Cli, small_options

FLAT = '''
"""A file."""
import albench
import torch
from dataclasses import dataclass


@dataclass(frozen=True)
class Flat(albench.Strategy):
    """Minus the p-norm."""
    power: float = 2.0

    def score(self, query):
        return -query.probabilities.norm(p=self.power, dim=1)
'''


def file(tmp_path: Path, text: str = FLAT, name: str = "mine.py") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_class_of_a_file_runs_in_workers_under_its_own_name(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = ["run", "--strategies", "./mine.py:Flat,./mine.py:Flat[power=4],random", "--seeds", 1, *small_options()]
    ran = cli(*words, "--store", "s", "--jobs", 2)
    assert ran.code == 0, ran.err
    assert set(albench.load("s").strategy) == {"Flat", "Flat[power=4]", "random"}
    assert "0 of 3 cells to run" in cli(*words, "--store", "s").out
    stored = (tmp_path / "s" / "study.json").read_text() + "".join(
        path.read_text() for path in (tmp_path / "s").glob("cells/*/Flat*/*/cell.json")
    )
    assert str(tmp_path) not in stored.replace(json.dumps(str(tmp_path)), ""), "no path means anything elsewhere"


def test_the_place_of_a_file_is_no_part_of_its_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for folder in ("a", "b[1]", "c,d", "e f"):
        (tmp_path / folder).mkdir()
        file(tmp_path / folder)
        monkeypatch.chdir(tmp_path / folder)
        study = read_study(Request(strategies="./mine.py:Flat[power=3],random", seeds=2))
        keys.append([cell.key for cell in study.cells()])
    assert keys[0] == keys[1] == keys[2] == keys[3]


@pytest.mark.parametrize(
    ("edited", "is_other"),
    [
        (FLAT.replace("return -", "return 2 * -"), True),
        (FLAT.replace("power: float = 2.0", "power: float = 3.0"), True),
        (FLAT.replace('"""A file."""', '"""Another word."""\n# a comment').replace("p-norm", "norm"), False),
        (FLAT.replace("dim=1)", "dim = 1 )"), False),
    ],
)
def test_edited_code_gives_other_cells_and_edited_comments_do_not(tmp_path: Path, edited: str, is_other: bool) -> None:
    def key() -> str:
        return read_study(Request(strategies=f"{tmp_path / 'mine.py'}:Flat[power=3]", seeds=1)).cells()[0].key

    file(tmp_path)
    before = key()
    file(tmp_path, edited)
    assert (key() != before) == is_other


def test_an_author_who_sets_results_version_keeps_results_through_edits(tmp_path: Path) -> None:
    def key() -> str:
        return read_study(Request(strategies=f"{tmp_path / 'mine.py'}:Flat", seeds=1)).cells()[0].key

    marked = FLAT.replace("    power: float", "    results_version = 4\n    power: float")
    file(tmp_path, marked)
    before = key()
    file(tmp_path, marked.replace("return -", "return 1 * -"))
    assert key() == before
    file(tmp_path, marked.replace("= 4", "= 5"))
    assert key() != before


def test_a_file_that_changes_under_a_run_fails_its_cells_and_says_why(tmp_path: Path) -> None:
    path = file(tmp_path)
    choice = Choice.of("strategies", f"{path}:Flat")
    assert choice.build().power == 2.0
    file(tmp_path, FLAT.replace("return -", "return 2 * -"))
    with pytest.raises(RequestError, match=r"mine\.py has changed since the run was planned; run it again"):
        choice.build()


WRONG = {
    "no file": ("gone.py:Flat", FLAT, "gone.py cannot be read"),
    "no class": ("mine.py:Falt", FLAT, "defines no 'Falt'; did you mean 'Flat'?"),
    "broken file": ("mine.py:Flat", "1 / 0\n", "mine.py cannot be run (ZeroDivisionError: division by zero)"),
    "no python": ("mine.py:Flat", "class\n", "mine.py cannot be run (SyntaxError"),
    "another kind": ("mine.py:Flat", FLAT.replace("(albench.Strategy)", ""), "is no class derived from albench.Strategy"),
    "parameter": ("mine.py:Flat[powre=3]", FLAT, "there is no parameter 'powre'; did you mean 'power'?"),
    "taken name": ("mine.py:random", FLAT.replace("class Flat", "class random"), "has the name of a component of plugin"),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_file_is_one_sentence_and_exit_code_2(fault: str, tmp_path: Path, cli: Cli, monkeypatch: Any) -> None:
    text, source, message = WRONG[fault]
    file(tmp_path, source)
    monkeypatch.chdir(tmp_path)
    ran = cli("run", "--strategies", f"./{text}", "--seeds", 1, *small_options(), "--store", "s")
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert message in ran.err
    assert not (tmp_path / "s").exists()


def test_two_classes_of_one_name_cannot_be_in_one_study(tmp_path: Path) -> None:
    one, other = file(tmp_path), file(tmp_path, FLAT.replace("return -", "return 2 * -"), "other.py")
    with pytest.raises(RequestError, match="two of them have the label 'Flat' and are not the same"):
        read_study(Request(strategies=f"{one}:Flat,{other}:Flat"))


def test_every_kind_can_come_from_a_file_and_a_study_files_paths_start_at_its_folder(tmp_path: Path, cli: Cli) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "all.py").write_text(
        FLAT
        + '''
from albench.protocols.topk import TopK
from albench.training.finetune import Finetune
from albench.networks.cifar10_quick import Cifar10Quick
from albench_datasets.digits import Digits

@dataclass(frozen=True)
class Numbers(Digits):
    """Digits."""
@dataclass(frozen=True)
class Few(TopK):
    """Few."""
@dataclass(frozen=True)
class Quickly(Finetune):
    """Quickly."""
@dataclass(frozen=True)
class Net(Cifar10Quick):
    """A net."""
@dataclass(frozen=True)
class Inline(albench.Executor):
    """Here."""
    def run(self, tasks, emit):
        for task in tasks:
            albench.perform(task, emit)
''',
        encoding="utf-8",
    )
    (parts / "study.toml").write_text(
        'strategies = ["all.py:Flat"]\nscenarios = "all.py:Numbers"\nseeds = 1\nrounds = 2\n'
        'protocol = "all.py:Few[query_size=6]"\nnetwork = "all.py:Net"\n'
        '[learner."all.py:Quickly"]\ninitial_iterations = 3\nupdate_iterations = 2\n',
        encoding="utf-8",
    )
    ran = cli("run", parts / "study.toml", "--executor", f"{parts}/all.py:Inline", "--store", tmp_path / "s")
    assert ran.code == 0, ran.err
    frame = albench.load(tmp_path / "s")
    assert frame.setting.unique().tolist() == [
        "Numbers / Few[query_size=6] / Quickly[initial_iterations=3,update_iterations=2] / Net"
    ]
    assert frame.n_labeled.tolist() == [100, 106, 112]
    assert (tmp_path / "s" / "report.html").exists()


def test_what_a_class_of_a_file_derives_from_is_part_of_its_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from albench_strategies.posterior import LeastConfident

    path = file(
        tmp_path, "from albench_strategies.posterior import LeastConfident\nclass Sub(LeastConfident):\n    pass\n"
    )
    before = Choice.of("strategies", f"{path}:Sub").version
    monkeypatch.setattr(LeastConfident, "results_version", 7)
    assert Choice.of("strategies", f"{path}:Sub").version != before
