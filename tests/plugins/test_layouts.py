"""Which modules belong to a component's distribution, in the ways that distributions are installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugins.conftest import HOOK, Shelf, strategy

OTHER = {"other/__init__.py": "SCALE = 2\n", "shared/theirs.py": "TWO = 2\n"}
TWO_PACKAGES = {
    "one/__init__.py": HOOK.replace("TARGET", "one.strategy"),
    "one/strategy.py": strategy("import other, json, shared.theirs\nfrom two import SCALE"),
    "two/__init__.py": "SCALE = 1\n",
}
NAMESPACE = {
    "hooks_of_mine.py": HOOK.replace("TARGET", "shared.mine.strategy"),
    "shared/mine/__init__.py": "",
    "shared/mine/strategy.py": strategy(
        "import other, shared.theirs\nfrom shared import theirs\nfrom .near import SCALE\n"
        "def late():\n    from shared.ours.not_yet_imported.deep import SCALE"
    ),
    "shared/mine/near.py": "SCALE = 1\n",
    "shared/ours/not_yet_imported/deep.py": "SCALE = 1\n",
}
DEEP = "shared/ours/not_yet_imported/deep.py"
ALONE = {"alone.py": HOOK.replace("TARGET", "alone") + strategy("import other, shared.theirs\nSCALE = 1")}


def prefixed(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


def plainly(files: dict[str, str], entry: str) -> Callable[[Shelf], Path]:
    def install(shelf: Shelf) -> Path:
        shelf.install("mine", files, entry)
        return shelf.site

    return install


def without_a_record(files: dict[str, str], entry: str, top_level: str = "") -> Callable[[Shelf], Path]:
    def install(shelf: Shelf) -> Path:
        shelf.write(shelf.site, files)
        shelf.describe("mine", entry, **{"top_level.txt": top_level})
        return shelf.site

    return install


def by_a_path(files: dict[str, str], entry: str) -> Callable[[Shelf], Path]:
    def install(shelf: Shelf) -> Path:
        shelf.write(shelf.project / "src", files)
        shelf.link("mine", entry, "src")
        return shelf.project / "src"

    return install


def by_two_paths(shelf: Shelf) -> Path:
    shelf.write(shelf.project, {f"{name.partition('/')[0]}-folder/{name}": text for name, text in TWO_PACKAGES.items()})
    shelf.link("mine", "one", "one-folder", "two-folder")
    return shelf.project / "two-folder"


def by_a_hook(shelf: Shelf) -> Path:
    shelf.write(shelf.project / "src", TWO_PACKAGES)
    shelf.hook("mine", "one", {"one": "src/one", "two": "src/two"})
    return shelf.project / "src"


LAYOUTS = {
    "two packages, installed plainly": (plainly(TWO_PACKAGES, "one"), "two/__init__.py"),
    "two packages, listed as top-level names alone": (
        without_a_record(TWO_PACKAGES, "one", "one\ntwo\n"),
        "two/__init__.py",
    ),
    "two packages in src, editable by a path": (by_a_path(TWO_PACKAGES, "one"), "two/__init__.py"),
    "two packages in folders of their own, editable by paths": (by_two_paths, "two/__init__.py"),
    "two packages in src, editable by an import hook": (by_a_hook, "two/__init__.py"),
    "a module alone, installed plainly": (plainly(ALONE, "alone"), "alone.py"),
    "a module alone, editable": (by_a_path(ALONE, "alone"), "alone.py"),
    "a namespace, installed plainly": (plainly(NAMESPACE, "hooks_of_mine"), DEEP),
    "a namespace of which no record tells": (without_a_record(NAMESPACE, "hooks_of_mine"), "shared/mine/near.py"),
    "a namespace, editable": (by_a_path(NAMESPACE, "hooks_of_mine"), DEEP),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_distribution_imports_of_itself_counts_however_it_is_installed_and_others_do_not(
    shelf: Shelf, layout: str
) -> None:
    install, helper = LAYOUTS[layout]
    shelf.install("other", OTHER)
    root = install(shelf)
    before = shelf.version()
    shelf.edit(shelf.site / "other/__init__.py", "2", "20")
    shelf.edit(shelf.site / "shared/theirs.py", "2", "20")
    assert shelf.version() == before, "other distributions are not looked at"
    shelf.edit(root / helper, "SCALE = 1", "SCALE = 10")
    assert shelf.version() != before


def test_an_environment_inside_a_project_is_no_part_of_it(shelf: Shelf) -> None:
    files = prefixed("src", TWO_PACKAGES) | prefixed("env/lib", OTHER) | {"env/pyvenv.cfg": ""}
    shelf.write(shelf.project, files)
    shelf.link("mine", "one", "src", "env/lib")
    before = shelf.version()
    shelf.edit(shelf.project / "env/lib/other/__init__.py", "2", "20")
    assert shelf.version() == before
