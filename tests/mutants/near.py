"""Which tests reach a line: recorded once for a room, so that a mutant is shown only to tests that could notice it."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from coverage import CoverageData

from tests.mutants.copied import Copy
from tests.mutants.places import Mutant
from tests.mutants.plugin import RECORD


@dataclass(frozen=True)
class Room:
    """A folder of modules and the tests that hold them."""

    folder: str
    tests: tuple[str, ...]
    apart: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by file: tests that run it in other processes


_GOLDEN = "tests/test_results_version.py"  # what the components compute, their defaults and versions
_INTERPRETED = "test_emoc_kernel_interpreted_equals_its_definition_for_all_shapes_and_precisions"

# Processes and signals are left out: a changed number of a signal or a process reaches others than the tests' own.
ROOMS = {
    "strategies": Room(
        "strategies/albench_strategies",
        ("tests/strategies", "tests/emoc", _GOLDEN),
        {"strategies/albench_strategies/emoc/kernel.py": (f"tests/emoc/test_emoc_kernel.py::{_INTERPRETED}",)},
    ),
    "analysis": Room("albench/analysis", ("tests/analysis",)),
    "protocols": Room("albench/protocols", ("tests/protocols", _GOLDEN)),
    "training": Room("albench/training", ("tests/training", _GOLDEN)),
    "store": Room(
        "albench/store",
        ("tests/store", "tests/cli/test_stores.py", "tests/running/test_resume.py", "tests/reports/test_results.py"),
    ),
    "querying": Room("albench/querying", ("tests/querying", "tests/reports/test_sheet.py")),
    "datasets": Room("datasets/albench_datasets", ("tests/datasets", _GOLDEN)),
}


@dataclass(frozen=True)
class Near:
    """What was recorded of a room."""

    seconds: dict[str, float]  # of processor time, by test function
    reached: dict[str, dict[str, list[str]]]  # the test functions by file and line

    def tests(self, mutant: Mutant, spend: float) -> list[str]:
        """Return the tests that could notice a mutant, quickest first, of `spend` processor seconds at most.

        Those that run the changed statement, and those that run the file in a process apart; of what runs at import,
        those that reach the file; of what no test reaches in its own process, all of the room.
        """
        lines = self.reached.get(mutant.file, {})
        found = {test for line in statement(mutant) for test in lines.get(str(line), [])}
        found = found or {test for tests in lines.values() for test in tests}
        if found:
            found |= set(ROOMS[mutant.room].apart.get(mutant.file, ()))
        quickest = sorted(found or self.seconds, key=self.seconds.__getitem__)
        spent = accumulate(self.seconds[test] for test in quickest)
        return [
            test
            for number, (test, so_far) in enumerate(zip(quickest, spent, strict=True))
            if so_far <= spend or not number
        ]


def recorded(room: str, copy: Copy, kept: Path) -> Near:
    """Return what is recorded of a room, from a file where it is of the same modules and tests; RuntimeError."""
    places = [copy.root / name for name in (ROOMS[room].folder, *ROOMS[room].tests)]
    files = [path for place in places for path in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    if kept.exists():
        found = json.loads(kept.read_text())
        if found["state"] == state:
            return Near(found["seconds"], found["reached"])
    near = _record(ROOMS[room], copy)
    kept.write_text(json.dumps({"state": state, "seconds": near.seconds, "reached": near.reached}))
    return near


def _record(room: Room, copy: Copy) -> Near:
    data, tests = copy.beside("coverage"), copy.beside("tests.json")
    options = ["-m", "coverage", "run", f"--data-file={data}", f"--source={room.folder}", "-m"]
    code, out = copy.pytest(room.tests, options, {RECORD: str(tests)})
    if code:
        raise RuntimeError(f"tests fail before anything is changed; mend them first:\n{out[-3000:]}")
    noted = json.loads(tests.read_text())
    stored = CoverageData(str(data))
    stored.read()
    reached: dict[str, dict[str, list[str]]] = {}
    for path in stored.measured_files():
        lines = reached.setdefault(Path(path).relative_to(copy.root).as_posix(), {})
        for line, contexts in stored.contexts_by_lineno(path).items():
            lines[str(line)] = sorted({test for context in contexts for test in _of_context(context, noted)})
    return Near({test: one["seconds"] for test, one in noted.items()}, reached)


def _of_context(context: str, noted: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return the tests that a context of the coverage data stands for; none for what ran at import."""
    if context.startswith("fixture "):
        return [test for test, one in noted.items() if context.removeprefix("fixture ") in one["fixtures"]]
    return [context] if context in noted else []


def statement(mutant: Mutant) -> range:
    """Return the lines of the changed statement, of a block's header alone; none of what runs at import.

    Whichever test imports a module first would seem to be the one that reaches what runs then.
    """
    tree = ast.parse(mutant.source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    if not any(mutant.line in range(node.body[0].lineno, (node.end_lineno or 0) + 1) for node in functions):
        return range(0)
    found = range(mutant.line, mutant.line + 1)
    for node in ast.walk(tree):  # from the outside to the inside
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = body[0].lineno if body else (node.end_lineno or node.lineno) + 1
            if mutant.line in range(node.lineno, end):
                found = range(node.lineno, end)
    return found
