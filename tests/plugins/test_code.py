"""A component's code is its identity: what an edit of an installed distribution changes, and what it does not."""

from __future__ import annotations

import importlib
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

import albench
from albench.errors import RequestError
from albench.plugins import identity, modules
from albench.plugins.host import host
from albench.study.choice import HERE, Choice
from albench_strategies import adapters
from tests.conftest import small_options
from tests.plugins.conftest import HOOK, STRATEGY, Shelf, strategy

PACKAGE = {
    "pkg/__init__.py": HOOK.replace("TARGET", "pkg.strategy"),
    "pkg/strategy.py": strategy("import torch\nfrom . import near\nfrom pkg.far import twice\nSCALE = twice(near.ONE)").replace(
        "        return", "        from .late import shift\n        return shift +"
    ),
    "pkg/near.py": '"""Near."""\nONE = 1\n',
    "pkg/far.py": "import pkg.deep as deep\n\n\ndef twice(number):\n    return deep.TWO * number  # doubled\n",
    "pkg/deep.py": "from pkg import far  # a cycle\n\nTWO = 2\n",
    "pkg/late.py": "shift = 0.5\n",
    "pkg/unused.py": "THREE = 3\n",
}  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "is_other"),
    [
        ("strategy", "shift +", "shift -", True),
        ("near", "1", "10", True),
        ("far", "deep.TWO * number", "deep.TWO + number", True),
        ("deep", "2", "20", True),
        ("late", "0.5", "1.5", True),
        ("unused", "3", "30", False),
        ("__init__", '{"mine"', '{"more": "pkg.more:More", "mine"', False),
        ("strategy", '"""Of a test."""', '"""Another word."""', False),
        ("near", '"""Near."""', "# near\n\n", False),
        ("far", "return deep.TWO * number  # doubled", "return (deep.TWO*number)", False),
        ("far", "    return", '    """Double."""\n    return', False),
        ("late", "shift = 0.5", 'if __name__ == "__main__":\n    print(1)\nshift = 0.5', False),
        ("late", "shift = 0.5", "print()\nshift = 0.5", True),
    ],
)
def test_an_edit_counts_where_the_strategys_module_or_one_that_it_imports_does_something_else(
    shelf: Shelf, file: str, old: str, new: str, is_other: bool
) -> None:
    shelf.install("mine", PACKAGE, "pkg")
    before = shelf.version()
    shelf.edit(shelf.site / "pkg" / f"{file}.py", old, new)
    after = shelf.version()
    assert (after != before) == is_other
    shelf.edit(shelf.site / "pkg" / f"{file}.py", new, old)
    assert shelf.version() == before, "code that comes back is the code that it was"


def test_nothing_is_imported_to_find_what_a_module_imports(shelf: Shelf) -> None:
    shelf.install("mine", PACKAGE, "pkg")
    shelf.version()
    assert {name for name in sys.modules if name.startswith("pkg.")} == {
        "pkg.strategy",
        "pkg.near",
        "pkg.far",
        "pkg.deep",
    }


@pytest.mark.parametrize(
    ("imports", "is_other"),
    [
        ("from pkg import SCALE", True),
        ("from . import SCALE", True),
        ("from pkg import *", True),
        ("import pkg\nSCALE = pkg.SCALE", True),
        ("import pkg.near\nSCALE = 1", False),
        ("from pkg.near import ONE as SCALE", False),
        ("from . import near\nSCALE = near.ONE", False),
        ("from .sub import deeper\nSCALE = deeper.UP.ONE", False),
        ("from .sub import LEAF as SCALE", False),
    ],
)
def test_a_package_counts_where_its_own_names_are_imported(shelf: Shelf, imports: str, is_other: bool) -> None:
    files = {
        "pkg/__init__.py": HOOK.replace("TARGET", "pkg.strategy") + "\nSCALE = 4\nfrom . import near\n",
        "pkg/strategy.py": strategy(imports),
        "pkg/near.py": "ONE = 1\n",
        "pkg/sub/__init__.py": "from .leaf import LEAF\n",
        "pkg/sub/leaf.py": "from ..near import ONE as LEAF\n",
        "pkg/sub/deeper.py": "from .. import near as UP\n",
    }
    shelf.install("mine", files, "pkg")
    before = shelf.version()
    shelf.edit(shelf.site / "pkg/__init__.py", "4", "40")
    assert (shelf.version() != before) == is_other
    if not is_other:
        before = shelf.version()
        shelf.edit(shelf.site / "pkg/near.py", "1", "10")
        assert shelf.version() != before


def test_a_package_counts_where_it_gives_a_submodules_name_to_something_else(shelf: Shelf) -> None:
    hook = HOOK.replace("TARGET", "pkg.strategy")
    files = {
        "pkg/__init__.py": f"{hook}\nfrom pkg.other import near\n",
        "pkg/strategy.py": strategy("from pkg import near\nSCALE = near.ONE"),
        "pkg/near.py": "ONE = 1\n",
        "pkg/other.py": "class near:\n    ONE = 2\n",
    }
    shelf.install("mine", files, "pkg")
    before = shelf.version()
    shelf.edit(shelf.site / "pkg/other.py", "2", "20")
    assert shelf.version() != before


@pytest.mark.parametrize("first", ["3", "'2024.1'"])
def test_an_author_who_sets_results_version_keeps_results_through_edits(shelf: Shelf, first: str) -> None:
    body = f'    """Of a test."""\n    results_version = {first}\n'
    shelf.install("mine", PACKAGE | {"pkg/strategy.py": strategy("SCALE = 1").replace('    """Of a test."""\n', body)})
    shelf.describe("mine", "pkg")
    assert shelf.version() == eval(first)
    shelf.edit(shelf.site / "pkg/strategy.py", "SCALE = 1", "SCALE = 10")
    assert shelf.version() == eval(first)
    shelf.edit(shelf.site / "pkg/strategy.py", f"results_version = {first}", "results_version = 4")
    assert shelf.version() == 4


def test_of_first_party_components_no_source_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(identity, "_code")
    kinds = ["strategies", "scenarios", "protocols", "learners", "networks"]
    entries = [entry for entry in host().all_entries(kinds) if entry.plugin.distribution == "albench"]
    entries = [entry for entry in entries if entry.name not in adapters.TARGETS]  # whose libraries may be absent
    with_paths = ("features", "images", "parquet")  # which cannot be built without one
    names = [f"{entry.name}[path=.]" if entry.name in with_paths else entry.name for entry in entries]
    versions = {Choice.of(entry.kind, name).version for entry, name in zip(entries, names, strict=True)}
    assert all(isinstance(version, int) for version in versions), "a class says its own number"


def test_the_version_that_a_base_of_another_distribution_sets_counts_and_replaces_nothing(shelf: Shelf) -> None:
    base = STRATEGY.replace("Mine", "Base").replace('test."""\n', 'test."""\n\n    results_version = 1\n')
    shelf.install("other", {"base.py": "SCALE = 1\n" + base})
    mine = "import albench\nfrom base import Base\n\n\nclass Mine(Base):\n    factor = 1\n"
    shelf.install("mine", {"alone.py": HOOK.replace("TARGET", "alone") + mine}, "alone")
    before = shelf.version()
    shelf.edit(shelf.site / "base.py", "SCALE = 1", "SCALE = 10")
    assert shelf.version() == before
    shelf.edit(shelf.site / "base.py", "results_version = 1", "results_version = 2")
    raised = shelf.version()
    shelf.edit(shelf.site / "alone.py", "factor = 1", "factor = 2")
    assert len({before, raised, shelf.version()}) == 3


def test_a_class_that_another_module_makes_is_told_by_both(shelf: Shelf) -> None:
    body = "\n".join(f"    {line}" for line in STRATEGY.splitlines())
    files = {
        "pkg/__init__.py": HOOK.replace("TARGET", "pkg.made"),
        "pkg/made.py": "from .making import make\n\nMine = make(1)\n",
        "pkg/making.py": f"def make(SCALE):\n{body}\n    return Mine\n",
    }
    shelf.install("mine", files, "pkg")
    versions = [shelf.version()]
    for file, old, new in (("made", "make(1)", "make(2)"), ("making", "* SCALE", "+ SCALE")):
        shelf.edit(shelf.site / f"pkg/{file}.py", old, new)
        versions.append(shelf.version())
    assert len(set(versions)) == 3


def test_a_class_without_source_has_to_say_its_version(shelf: Shelf) -> None:
    shelf.install("mine", PACKAGE | {"pkg/strategy.py": strategy("SCALE = 1")}, "pkg")
    source = shelf.site / "pkg/strategy.py"
    py_compile.compile(str(source), cfile=str(source.with_suffix(".pyc")), doraise=True)
    source.unlink()
    sentence = r"the source of the class pkg\.strategy:Mine is not to be had, .*; set results_version in it$"
    with pytest.raises(RequestError, match=sentence):
        shelf.version()


def test_a_run_stops_where_installed_code_changes_under_it(shelf: Shelf) -> None:
    shelf.install("mine", PACKAGE, "pkg")
    shelf.start_anew()
    planned = Choice.of("strategies", "mine")
    assert planned.build() == planned.build()
    shelf.edit(shelf.site / "pkg/near.py", "1", "10")
    sentence = r"the code of pkg\.strategy:Mine has changed since the run was planned; run it again$"
    with pytest.raises(RequestError, match=sentence):
        planned.build()
    shelf.start_anew()
    with pytest.raises(RequestError, match=sentence):
        planned.build()
    shelf.edit(shelf.site / "pkg/near.py", "10", "1")
    with pytest.raises(RequestError, match="has changed since this process imported it"):
        planned.build()
    shelf.start_anew()
    assert planned.build() is not None


def test_a_process_that_imported_older_code_does_not_plan_with_it(shelf: Shelf, tmp_path: Path) -> None:
    shelf.install("mine", PACKAGE, "pkg")
    shelf.start_anew()
    before = Choice.of("strategies", "mine").version
    shelf.edit(shelf.site / "pkg/strategy.py", "shift +", "shift -")
    sentence = "has changed since this process imported it; start a new process, or reload the module"
    for what in ("mine", albench.strategy("mine")):
        with pytest.raises(RequestError, match=sentence):
            albench.run(strategies=["random", what], seeds=1, store=tmp_path / "s")
    importlib.reload(sys.modules["pkg.strategy"])
    assert Choice.of("strategies", "mine").version != before


def test_an_object_of_a_packages_class_that_no_plugin_offers_is_told_by_its_modules_too(shelf: Shelf) -> None:
    shelf.install("mine", PACKAGE)

    def version() -> int | str:
        shelf.start_anew()
        choice = Choice.of("strategies", importlib.import_module("pkg.strategy").Mine())
        assert choice.source == HERE
        return choice.version

    before = version()
    shelf.edit(shelf.site / "pkg/unused.py", "3", "30")
    assert version() == before
    shelf.edit(shelf.site / "pkg/deep.py", "2", "20")
    assert version() != before
    shelf.edit(shelf.site / "pkg/deep.py", "20", "2")
    with pytest.raises(RequestError, match=r"pkg\.strategy:Mine has changed since this process imported it"):
        Choice.of("strategies", sys.modules["pkg.strategy"].Mine())


def test_each_file_of_a_package_is_read_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"mine-{number}" for number in range(20)]
    hook = HOOK.replace('{"mine": "TARGET:Mine"}', str({name: f"pkg.s{name[5:]}:Mine" for name in names}))
    files = {f"pkg/s{number}.py": strategy(f"from .near import ONE\nSCALE = {number} * ONE") for number in range(20)}
    shelf.install(
        "mine",
        files | {"pkg/__init__.py": hook, "pkg/near.py": "from .far import ONE\n", "pkg/far.py": "ONE = 1\n"},
        "pkg",
    )
    read: list[bytes | str] = []
    monkeypatch.setattr(modules, "read_source", lambda data: read.append(data) or identity.read_source(data))
    shelf.start_anew()
    planned = [Choice.of("strategies", name) for name in names]
    assert len({choice.version for choice in planned}) == 20
    for choice in planned:
        choice.build()
    assert len(read) == 22


def test_edited_code_runs_from_the_start_and_its_old_results_are_found_when_it_comes_back(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.write(shelf.project / "src", PACKAGE)
    shelf.link("mine", "pkg", "src")
    path = os.pathsep.join([str(shelf.site), str(shelf.project / "src"), os.environ.get("PYTHONPATH", "")])
    words = ["--strategies", "mine,random", "--seeds", "1", *small_options(), "--store", str(tmp_path / "s")]

    def run() -> str:
        command = [sys.executable, "-m", "albench", "run", *words]
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def cells() -> list[Path]:
        return sorted((tmp_path / "s/cells/digits/mine").iterdir())

    assert "2 of 2 cells to run" in run()
    (first,) = cells()
    shelf.edit(shelf.project / "src/pkg/deep.py", "TWO = 2", "TWO = -2")
    assert "1 of 2 cells to run" in run()
    (second,) = set(cells()) - {first}
    rows = [(cell / "rounds.jsonl").read_text().splitlines() for cell in (first, second)]
    assert [len(lines) for lines in rows] == [3, 3], "it starts at round 0"
    shelf.edit(shelf.project / "src/pkg/deep.py", "TWO = -2", "TWO = 2")
    assert "0 of 2 cells to run" in run()
    assert len(cells()) == 2
