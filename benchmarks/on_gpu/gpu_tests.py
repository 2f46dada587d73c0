"""All tests marked `gpu`, in a process of pytest; what each came to is kept as it comes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.on_gpu.section import Session

ROOT = Path(__file__).resolve().parents[2]
OUTCOME = re.compile(r"^(tests/\S+?::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b")
REASON = re.compile(r"^(?:FAILED|ERROR) (tests/\S.*?)(?: - (.*))?$")
MARK = "mark" + ".gpu"


def files() -> list[str]:
    """Return the test files that name the marker: the others need packages that a GPU machine may not have."""
    found = sorted((ROOT / "tests").rglob("test_*.py"))
    return [path.relative_to(ROOT).as_posix() for path in found if MARK in path.read_text(encoding="utf-8")]


def measure(session: Session) -> None:
    """Leave a row for each test, one for each failure's reason, and one with pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-v", "-m", "gpu", "-p", "no:cacheprovider", *files()]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:  # ends with this process's group
        assert process.stdout is not None
        last = ""
        for line in process.stdout:
            last = line.strip() or last
            if found := OUTCOME.match(line):
                session.row(test=found[1], outcome=found[2].lower())
            elif found := REASON.match(line):
                session.row(test=found[1], reason=found[2])
    session.row(exit_code=process.returncode, summary=last)
