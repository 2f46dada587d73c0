"""``albench new`` writes a distribution that passes at once, in an environment that holds albench and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.fresh import FreshEnvironment, make_fresh_environment


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> FreshEnvironment:
    return make_fresh_environment(tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("authors folder"))


def test_a_fresh_environment_has_no_backend_but_the_one_that_pytorch_brings(fresh: FreshEnvironment) -> None:
    for module in ("hatchling", "editables", "flit_core", "pytest"):
        assert fresh.call(f"python -c 'import {module}' 2>&1 || true").endswith(f"No module named '{module}'\n")
    assert fresh.call("python -c 'import albench; print(albench.__file__)'").startswith(str(fresh.site))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [("strategy", "mine"), ("scenario", "my-photos.2")])
def test_what_new_prints_works_as_it_stands_and_the_plugins_own_tests_pass(
    kind: str, name: str, fresh: FreshEnvironment
) -> None:
    wrote, *commands = fresh.call(f"albench new {kind} {name}").splitlines()
    assert wrote == f"wrote albench-{name}; next:"
    installing, checking, running = (command.removeprefix("  ") for command in commands)
    assert "Successfully installed" in fresh.call(installing)
    checked = fresh.call(checking)
    assert "0 expected, 0 skipped, 0 broken" in checked
    ran = fresh.call(running)
    assert "2 of 2 cells done" in ran
    fresh.link(["pytest"])  # what its README has installed
    fresh.command("pytest")
    fresh.call(f"pytest albench-{name}")


def test_what_new_prints_names_the_folder_as_a_shell_and_pip_read_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my plugins").mkdir()
    assert "-e './my plugins/albench-mine'\n" in cli("new", "strategy", "mine", "--in", "my plugins").out
    assert f"-e {tmp_path}/albench-other\n" in cli("new", "strategy", "other", "--in", tmp_path).out


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
