"""What a cell prints is in its log, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TWO_CELLS = """
import os, subprocess, sys
from pathlib import Path
from albench.executors.worker import _output_to

def say(what):
    print(f"{what} printed")
    print(f"{what} warned", file=sys.stderr)
    subprocess.run(["echo", f"{what} by another process"])

folder = Path(sys.argv[1])
before = os.listdir("/proc/self/fd") if Path("/proc/self/fd").exists() else []
for cell in ("one", "other"):
    with _output_to(folder / cell / "log.txt"):
        say(cell)
    sys.stdout.flush()
    os.write(1, f"after {cell}\\n".encode())
    os.write(2, f"warned after {cell}\\n".encode())
assert not before or os.listdir("/proc/self/fd") == before
"""


def test_what_is_printed_after_a_cell_goes_where_it_went_before_it(tmp_path: Path) -> None:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", TWO_CELLS, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=buffered)
    assert (ran.returncode, ran.stderr) == (0, "warned after one\nwarned after other\n")
    assert ran.stdout == "after one\nafter other\n"
    for cell in ("one", "other"):
        lines = (tmp_path / cell / "log.txt").read_text().splitlines()
        assert sorted(lines) == [f"{cell} by another process", f"{cell} printed", f"{cell} warned"]
