"""The plan of the code, as figures: rooms, files, and imports that go round in circles."""

from __future__ import annotations

from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "albench": ROOT / "albench",
    "albench_strategies": ROOT / "strategies" / "albench_strategies",
    "albench_datasets": ROOT / "datasets" / "albench_datasets",
    "albench_reports": ROOT / "reports" / "albench_reports",
}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_modules_import_each_other(package: str) -> None:
    graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    below: dict[str, set[str]] = {name: set() for name in graph.modules}
    for name in graph.modules:
        waiting = list(graph.find_modules_directly_imported_by(name))
        while waiting:
            other = waiting.pop()
            if other in below and other not in below[name]:
                below[name].add(other)
                waiting += graph.find_modules_directly_imported_by(other)
    assert [name for name in sorted(below) if name in below[name]] == []


def test_no_file_is_over_300_lines() -> None:
    files = [path for folder in (*PACKAGES.values(), ROOT / "tests") for path in folder.rglob("*.py")]
    assert len(files) > 200
    long = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}


def test_few_modules_lie_directly_in_the_harness() -> None:
    assert 0 < len(list((ROOT / "albench").glob("*.py"))) <= 10
