"""What is published: a README that holds outside of the repository, oldest versions, and when a release is refused."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from hatch_build import absolute
from tools.lower_bounds import bounds

ROOT = Path(__file__).parent.parent
ADDRESS = "https://example.org/albench"
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
ADDRESSED = '\n[project.urls]\nRepository = "https://example.org/albench"\n'


def test_links_of_the_readme_lead_to_files_of_the_release() -> None:
    text = "![a [b] c](docs/r.png) [`x`](docs/a.md#b) [out](https://example.org) [here](#there)"
    assert absolute(text, ADDRESS + "/", "v1.2") == (
        f"![a [b] c]({ADDRESS}/raw/v1.2/docs/r.png) [`x`]({ADDRESS}/blob/v1.2/docs/a.md#b) [out](https://example.org) "
        "[here](#there)"
    )


def test_without_an_address_words_stay_and_pictures_go() -> None:
    text = "![r](docs/r.png)See [`x`](docs/a.md) and [out](https://example.org)."
    assert absolute(text, "", "v1.2") == "See `x` and [out](https://example.org)."


@pytest.mark.parametrize("address", ["", ADDRESS])
def test_no_relative_link_of_our_readme_is_left(address: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("](docs/") > 10
    targets = re.findall(r"\]\(([^()\s]+)\)", absolute(text, address, "v1"))
    assert all(target.startswith(("https:", "#")) for target in targets)
    assert bool(targets) is bool(address)


def test_the_citation_is_of_this_version_and_licence() -> None:
    cited: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads(PYPROJECT)["project"]
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
    assert [author["name"] for author in cited["authors"]] == [author["name"] for author in project["authors"]]


def test_the_oldest_version_of_everything_but_pytorch_is_known() -> None:
    extras = ["bench", "dask", "figures", "slurm", "docs", "release"]
    project = tomllib.loads(PYPROJECT)["project"]
    found = dict(line.split("==") for line in bounds(extras, PYPROJECT))
    assert set(found) >= {re.split("[>=<]", one)[0] for one in project["dependencies"]} - {"torch", "torchvision"}
    assert not {"torch", "torchvision"} & set(found)


def test_of_two_lower_bounds_the_higher_counts_and_none_is_an_error() -> None:
    text = '[project]\ndependencies = ["a>=1.9"]\n[project.optional-dependencies]\nx = ["A>=1.10,<2"]\ny = ["b<2"]\n'
    assert list(bounds([], text)) == ["a==1.9"]
    assert list(bounds(["x"], text)) == ["a==1.10"]
    with pytest.raises(SystemExit, match="'b<2' has no lower bound"):
        list(bounds(["y"], text))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a clean repository whose release would not be refused."""
    project = re.sub(r'^version = ".*"$', 'version = "1.2.3"', PYPROJECT, count=1, flags=re.MULTILINE)
    project = project.split("\n[project.urls]")[0] + ("" if "Repository" in project else ADDRESSED)
    (tmp_path / "pyproject.toml").write_text(project)
    (tmp_path / "CHANGELOG.md").write_text("# Changes\n\n## 1.2.3 (2030-01-31)\n")
    (tmp_path / "CITATION.cff").write_text("version: 1.2.3\n")
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "release.sh", tmp_path / "tools")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *words: str) -> None:
    named = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Change")


def check(folder: Path) -> tuple[int, str]:
    done = subprocess.run(["tools/release.sh", "--check"], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_a_release_that_is_ready_is_not_refused(checkout: Path) -> None:
    assert check(checkout) == (0, "")


@pytest.mark.parametrize(
    ("path", "old", "new", "reason"),
    [
        ("CHANGELOG.md", "(2030-01-31)", "(unreleased)", "CHANGELOG.md has no heading '## 1.2.3 (YEAR-MONTH-DAY)'"),
        ("CHANGELOG.md", "1.2.3", "1x2.3", "CHANGELOG.md has no heading"),
        ("CITATION.cff", "1.2.3", "1.2.2", "CITATION.cff names another version than 1.2.3"),
        ("pyproject.toml", "Repository", "Homepage", "no Repository under [project.urls]"),
    ],
)
def test_a_release_is_refused_where_something_is_missing(
    path: str, old: str, new: str, reason: str, checkout: Path
) -> None:
    text = (checkout / path).read_text()
    assert old in text
    (checkout / path).write_text(text.replace(old, new))
    commit(checkout)
    code, said = check(checkout)
    assert (code, said.count("refused:")) == (1, 1)
    assert reason in said


def test_a_release_is_refused_of_a_dirty_tree_and_of_a_tag_that_exists(checkout: Path) -> None:
    (checkout / "left.txt").touch()
    code, said = check(checkout)
    assert (code, said.count("refused:"), "the tree is not clean" in said) == (1, 1, True)
    commit(checkout)
    git(checkout, "tag", "v1.2.3")
    code, said = check(checkout)
    assert (code, said.count("refused:"), "the tag v1.2.3 exists" in said) == (1, 1, True)
