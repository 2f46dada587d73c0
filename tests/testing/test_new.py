"""``albench new`` writes a distribution that passes at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from albench.plugins.host import host
from tests.conftest import Cli, PluginFolder, small_options


def _pip_install(folder: Path, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    subprocess.run([*command, "--target", str(target), str(folder)], check=True, capture_output=True)
    host.cache_clear()


@pytest.mark.parametrize("kind", ["strategy", "scenario"])
def test_a_new_plugin_installs_passes_check_its_own_tests_and_runs(
    kind: str, plugins: PluginFolder, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("new", kind, "mine").code == 0
    _pip_install(tmp_path / "albench-mine", plugins.root)
    checked = cli("check", "albench_mine")
    assert checked.code == 0, checked.out
    assert "0 expected, 0 skipped, 0 broken" in checked.out
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "albench-mine"],
        env={**os.environ, "PYTHONPATH": str(plugins.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    words = ["--strategies", "mine,random"] if kind == "strategy" else ["--scenarios", "mine", "--strategies", "random"]
    ran = cli("run", *words, "--seeds", 1, *small_options(rounds=1), "--jobs", 1)
    assert ran.code == 0, ran.err


def test_a_new_strategy_names_its_parts_after_itself(cli: Cli, tmp_path: Path) -> None:
    ran = cli("new", "strategy", "my-idea.2", "--in", tmp_path)
    folder = tmp_path / "albench-my-idea.2"
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["name"] == "albench-my-idea.2"
    assert project["project"]["entry-points"]["albench"] == {"albench_my_idea_2": "albench_my_idea_2"}
    assert "class MyIdea2(albench.Strategy)" in (folder / "albench_my_idea_2/strategy.py").read_text(encoding="utf-8")
    assert "albench check albench_my_idea_2" in ran.out


@pytest.mark.parametrize("name", ["Mine", "2fast", "a b", "", "../up"])
def test_a_name_that_cannot_be_used_is_refused_with_a_sentence(cli: Cli, tmp_path: Path, name: str) -> None:
    ran = cli("new", "strategy", name, "--in", tmp_path)
    assert ran.code == 2
    assert "cannot name a strategy" in ran.err
    assert not list(tmp_path.iterdir())


def test_a_taken_name_and_a_folder_that_exists_are_refused(cli: Cli, tmp_path: Path) -> None:
    assert "exists already, of plugin 'albench_strategies'" in cli("new", "strategy", "random", "--in", tmp_path).err
    (tmp_path / "albench-mine").mkdir()
    assert "exists already; choose another name, or remove it" in cli("new", "strategy", "mine", "--in", tmp_path).err
