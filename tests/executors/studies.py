"""Studies small enough for clusters of one machine, and what became of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.conftest import small_options, small_run
from tests.running.test_resume import rounds

CELLS, ROUNDS, UPDATES = 4, 4, 150
OPTIONS = ["--strategies", "min,random", "--seeds", "2", *small_options(rounds=ROUNDS, update_iterations=UPDATES)]


def run_words(store: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "albench", "run", *OPTIONS, "--store", str(store), *words]


def start_run(store: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a run as a process group of its own, as a terminal does."""
    return subprocess.Popen(
        run_words(store, *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, **(env or {})},
    )


def rounds_on_one_machine(store: Path) -> dict[str, list[dict[str, Any]]]:
    """The rounds of the same study, run in this process."""
    small_run(store, "min,random", seeds=2, rounds=ROUNDS, update_iterations=UPDATES)
    return rounds(store)


def workers_of(store: Path) -> list[int]:
    """The processes that work on cells of a store now, as their leases name them."""
    found = []
    for claim in store.glob("cells/*/*/*/claim"):
        try:
            found.append(int(json.loads(claim.read_bytes())["pid"]))
        except (OSError, ValueError):
            continue
    return found


def recorded(store: Path) -> int:
    """How many rounds are stored, round 0 of each cell included."""
    return sum(len(path.read_bytes().splitlines()) for path in store.glob("cells/*/*/*/rounds.jsonl"))


def times_told(output: str) -> Counter[str]:
    """How often a run said of each cell that it is done."""
    return Counter(line.removesuffix(": done") for line in output.splitlines() if line.endswith(": done"))
