"""The page of what can fail names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "| test |" not in line]


@cache
def defined_in(path: Path) -> set[str]:
    """Return the tests that a file defines, whatever it would import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_"}


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED.findall(PAGE))))
def test_a_test_that_the_page_of_faults_names_is_there(path: str, name: str) -> None:
    assert name in defined_in(ROOT / path)


def test_every_row_of_the_page_of_faults_names_a_test() -> None:
    failing = [row for row in ROWS if row.count(" | ") == 2]
    assert len(failing) > 50
    assert [row for row in failing if not NAMED.search(row)] == []
