"""Fuzzing all readers, or some, by coverage; wants the extra `fuzz`.

    python -m tests.fuzz --count 20000 --seed 0 [--target archive]... [--output runs/fuzz]

Prints each fault with the input, in base 64, and a table; exits with 1 where there was a fault.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.targets import TARGETS
from tests.soak.common import Faults, print_table

DONE = re.compile(r"^Done (\d+) runs in", re.MULTILINE)
REACHED = re.compile(r"^#(\d+)\s", re.MULTILINE)
SHOWN = 300  # characters of an input


def fuzzed(name: str, runs: int, seed: int, folder: Path) -> tuple[int, float, list[str]]:
    """Give a target so many inputs; return how many it took, in how many seconds, and what was wrong."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    start, done, faults = time.monotonic(), 0, list[str]()
    while done < runs and len(faults) < 10:
        words = [sys.executable, "-m", "tests.fuzz.one", name, str(runs - done), str(seed + len(faults)), str(folder)]
        ran = subprocess.run(words, stderr=subprocess.PIPE, check=False)
        said = ran.stderr.decode("utf-8", "replace")
        ended = DONE.search(said)
        done += int(ended[1]) if ended else int((REACHED.findall(said) or ["0"])[-1])
        if ended:
            break
        faults.append(f"the process ended with {ran.returncode}: {' '.join(said[-500:].split())}")
    return done, time.monotonic() - start, faults + _noted(folder / "faults.jsonl")


def _noted(path: Path) -> list[str]:
    """Return the faults that a process noted, each kind with its shortest input."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kinds = {one["kind"]: one for one in map(json.loads, lines)}
    return [f"{one['fault']}; the input is {one['input'][:SHOWN]}" for one in kinds.values()]


def main() -> None:
    """Fuzz, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000, help="inputs of each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=list(TARGETS), action="append", help="only this one")
    parser.add_argument("--output", type=Path, default=Path("runs/fuzz"))
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed; pip install -e '.[fuzz]' brings it")
    rows, faults = [], Faults()
    for name in given.target or TARGETS:
        folder = given.output / re.sub(r"\W+", "-", name).strip("-")
        done, seconds, found = fuzzed(name, given.count, given.seed, folder)
        faults.add(*(f"{name}: {fault}" for fault in found))
        rows.append((name, done, f"{seconds:.0f}", f"{done / seconds:.0f}", len(found)))
        print(f"{name}: {done} inputs in {seconds:.0f} s, {len(found)} faults", flush=True)
    total = sum(int(row[1]) for row in rows), sum(float(row[2]) for row in rows), sum(int(row[4]) for row in rows)
    rows.append(("all", total[0], f"{total[1]:.0f}", f"{total[0] / max(1, total[1]):.0f}", total[2]))
    print_table(["reader", "inputs", "seconds", "a second", "faults"], rows)
    faults.conclude()


if __name__ == "__main__":
    main()
