"""The presets: what they say of themselves, and that each runs, in a minute's size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import albench
from albench.study.layers import ABOUT, presets, read_preset
from albench.study.study import Request, read_study
from albench_datasets.sources import published
from tests.conftest import Cli
from tests.datasets import layouts

TINY = ["--seeds", "1", "--rounds", "1", "--jobs", "1"]
TINY_CIFAR = ["known=3", "initial_per_class=1", "pool_per_class=2", "test_per_class=1"]
SHORT = ["iterations=2", "initial_iterations=2", "update_iterations=1"]
SETS = ["n_sets=6", "set_size=2"]


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CIFAR-100 in miniature is the only data set that is there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("ALBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ALBENCH_OFFLINE", "1")
    layouts.torchvision_layout(tmp_path / "data")
    published._published.cache_clear()


def sets(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--set", text)]


def labels(name: str, **words: str) -> list[str]:
    return [setting.label for setting in read_study(Request(preset=name, **words)).settings]  # type: ignore[arg-type]


def test_the_list_says_what_each_asks_needs_and_costs(cli: Cli) -> None:
    assert presets() == ["budgets", "features", "lite", "open-set", "paper", "quickstart"]
    lines = cli("list", "presets").out.splitlines()
    assert lines[0].split() == ["name", *ABOUT]
    rows = {row["name"]: row for row in json.loads(cli("list", "preset", "--format", "json").out)}
    for line, name in zip(lines[1:], presets(), strict=True):
        assert all(rows[name][key] for key in ABOUT)
        assert [part.strip() for part in line.split("  ") if part] == [name, *(rows[name][key] for key in ABOUT)]
    assert {row["name"] for row in json.loads(cli("list", "--format", "json").out)} >= set(presets())


@pytest.mark.parametrize("name", presets())
def test_show_tells_what_a_preset_needs_and_its_settings(name: str, cli: Cli) -> None:
    shown = cli("show", name).out
    about = read_preset(name)
    assert f"needs: {about['needs']}\ncost: {about['cost']}, on two CPU cores\n" in shown
    found = labels(name)
    assert ("settings:\n" in shown) == (len(found) > 1)
    assert all(f"  {label}\n" in shown for label in found if len(found) > 1)


def test_a_study_file_says_nothing_of_cost(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "mine.toml").write_text('cost = "1 hour"\nstrategies = ["random"]\n')
    ran = cli("run", tmp_path / "mine.toml", "--dry-run")
    assert (ran.code, "there is no key 'cost'" in ran.err) == (2, True)


def test_budgets_are_two_each_with_both_ways_of_training() -> None:
    base = "cifar10[known=10,novel=0,initial_per_class={},pool_per_class=400] / top-k[query_size={}]"
    learners = ["retrain[iterations=1000]", "finetune[initial_iterations=1000,update_iterations=200]"]
    assert labels("budgets") == [f"{base.format(*n)} / {one}" for n in ((5, 50), (25, 250)) for one in learners]
    other = "cifar100[known=20,novel=0,initial_per_class=5,pool_per_class=200]"
    assert labels("budgets", scenarios="cifar100") == [
        f"{other} / top-k[query_size={size}] / {one}" for size in (50, 250) for one in learners
    ]


def test_the_open_set_has_classes_to_find_and_classes_without_an_answer_under_both_protocols() -> None:
    study = read_study(Request(preset="open-set"))
    scenario = study.settings[0].scenario.build()
    assert (scenario.known, scenario.novel, scenario.rejected) == (10, 10, 10)
    assert [setting.protocol.name for setting in study.settings] == ["discovery", "top-k"]
    sizes = study.settings[0].protocol.build().set_size, study.settings[1].protocol.build().query_size
    assert sizes[0] == sizes[1], "a round of either asks for as many answers"


def test_data_that_are_not_there_are_one_sentence(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cli("run", "--preset", "budgets", "--dry-run")
    assert (ran.code, ran.err.count("\n"), "CIFAR-10" in ran.err) == (2, 1, True)
    ran = cli("run", "--preset", "features", "--dry-run")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert f"there is no {tmp_path}/features.npz; give an .npz file" in ran.err


@pytest.mark.parametrize(
    ("name", "values", "cells", "columns"),
    [
        ("quickstart", [*SHORT, "n_sets=6", "set_size=5"], 5, ["query_class"]),
        ("lite", [*SHORT, *SETS, *TINY_CIFAR, "novel=2"], 5, ["query_class"]),
        ("paper", [*SHORT, *SETS, *TINY_CIFAR, "novel=2"], 5, ["query_class"]),
        ("open-set", [*SHORT, *SETS, *TINY_CIFAR, "novel=2", "rejected=2", "query_size=4"], 12, ["n_novel_queried"]),
    ],
)
def test_each_preset_runs(
    name: str, values: list[str], cells: int, columns: list[str], tmp_path: Path, cli: Cli
) -> None:
    given = [value for value in values if not value.startswith("iterations")]
    ran = cli("run", "--preset", name, *sets(*given), *TINY, "--store", tmp_path / "s")
    assert ran.code == 0, ran.err
    assert f"{cells} of {cells} cells done" in ran.out
    frame = albench.load(tmp_path / "s")
    assert frame.loc[frame["round"] == 1, columns].notna().any().all()
    if name == "open-set":
        assert frame.n_rejected.notna().all()


def test_budgets_run_on_cifar_100(tmp_path: Path, cli: Cli) -> None:
    words = ["run", "--preset", "budgets", "--scenarios", "cifar100", "--data", tmp_path / "data", *TINY]
    values = sets(*SHORT, *TINY_CIFAR)
    planned = cli(*words, *values, "--dry-run", "--store", tmp_path / "s")
    assert planned.code == 0, planned.err
    assert "20 cells would run" in planned.out
    ran = cli(*words, *values, "--store", tmp_path / "s")
    assert ran.code == 0, ran.err
    assert "20 of 20 cells done" in ran.out
    assert albench.load(tmp_path / "s").learner.nunique() == 2


def test_features_run_on_the_file_that_lies_there_or_is_named(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    bunch = load_digits()
    content = {"features": bunch.data[:600] / 16, "labels": bunch.target[:600], "is_test": np.arange(600) % 3 == 0}
    np.savez(tmp_path / "features.npz", **content)
    monkeypatch.chdir(tmp_path)
    values = sets("iterations=30", "pool_per_class=10")
    ran = cli("run", "--preset", "features", *values, *TINY, "--store", "s")
    assert ran.code == 0, ran.err
    assert "22 of 22 cells done" in ran.out
    frame = albench.load("s")
    assert frame.loc[frame["round"] == 0, "n_labeled"].eq(10).all()
    assert set(frame.groupby("protocol").n_labeled.max()) == {110}, "the line of all labels"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "features.npz").rename(tmp_path / "elsewhere" / "mine.npz")
    again = cli("run", "--preset", "features", *values, *sets("path=elsewhere/mine.npz"), *TINY, "--store", "s")
    assert "0 of 22 cells to run" in again.out
