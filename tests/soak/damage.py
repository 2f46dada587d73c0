"""Random damage to the files of a store and to decoded data: never a number changes without a word.

    python -m tests.soak.damage --count 500 --seed 0

Each damage is done to a fresh copy of a small store, which is then loaded, asked for its status and its report, and run
for one more round and one more strategy. Verdicts: ``harmless`` (nothing differs), ``noticed`` (the damaged cell is left
out and named), ``repaired``, ``refused`` (a sentence); and the faults ``SILENT`` (other numbers, or rows too many or too
few, without a word), ``TRACEBACK``, ``HIDES`` (the damage takes another cell along).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.soak.common import STATEFUL, TINY_CIFAR, Cell, Faults, Results, cell_of, print_table, results, work_folder
from tests.soak.damages import KINDS, damage, files
from tests.soak.observing import Seen, observe, run_here

VALUES = {"initial_iterations": 60, "update_iterations": 4, "batch_size": 8, "n_sets": 6, "set_size": 3}
STRATEGIES = ("random", "min", STATEFUL)
LATER = "max"  # joins in the run of one more round, so that stored initial networks are read
VERDICTS = ("harmless", "noticed", "repaired", "refused", "SILENT", "TRACEBACK", "HIDES")
FAULTS = VERDICTS[4:]
STEPS = ("load", "status", "report", "resume", "load again")


@dataclass(frozen=True)
class Truth:
    """The results of a store that nothing happened to, before and after the longer run."""

    before: Results
    after: Results
    weights: dict[tuple[str, Cell], dict[str, bytes]]


def request(rounds: int, *more: str) -> dict[str, Any]:
    """Return what is asked of `albench run`."""
    return {
        "strategies": [*STRATEGIES, *more],
        "scenarios": f"digits,{TINY_CIFAR}",
        "seeds": 2,
        "values": {**VALUES, "rounds": rounds},
    }


def use(root: Path) -> Path:
    """Return the store in a folder, whose cache is used from here on."""
    os.environ["XDG_CACHE_HOME"] = str(root / "cache")
    return root / "store"


def make(pristine: Path, trial: Path) -> Truth:
    """Make the store and its cache, and the truth from a copy that nothing happens to."""
    run_here(use(pristine), request(2))
    for kind in KINDS:
        files(pristine, kind)
    store = copy(pristine, trial)
    before = results(store)
    seen = observe(store, request(3, LATER))
    problems = [*seen.words, *seen.refused.values(), *seen.tracebacks.values()]
    if problems or seen.before != before or not seen.after:
        raise RuntimeError(f"an undamaged store does not do what it should: {problems}")
    return Truth(before, seen.after, seen.weights)


def copy(pristine: Path, trial: Path) -> Path:
    """Return the store of a fresh copy."""
    shutil.rmtree(trial, ignore_errors=True)
    shutil.copytree(pristine, trial)
    return use(trial)


def damaged_cells(paths: list[Path], truth: Truth) -> set[Cell]:
    """Return the cells that a damage may cost: those whose results depend on the files."""
    found: set[Cell] = set()
    for path in paths:
        if "cells" in path.parts:
            found.add(cell_of(path))
        elif "initial" in path.parts:
            scenario, _, seed = cell_of(path)
            found |= {cell for cell in truth.after if (cell[0], cell[2]) == (scenario, seed)}
        else:
            found |= {cell for cell in truth.after if path.name == "study.json" or cell[0] == "cifar100"}
    return found


def verdict(kind: str, damaged: set[Cell], seen: Seen, truth: Truth) -> tuple[str, str]:
    """Return what a damage came to, and a sentence for a fault."""
    if seen.tracebacks:
        return "TRACEBACK", "; ".join(f"{step}: {error}" for step, error in seen.tracebacks.items())
    if seen.refused and kind != "study.json" and set(seen.refused) - {"resume"}:
        return "HIDES", "; ".join(f"{step} is refused: {error}" for step, error in seen.refused.items())
    for found, wanted in ((seen.before, truth.before), (seen.after, truth.after)):
        if found is None or (found is seen.after and "resume" in seen.refused):
            continue
        fault = _compared(damaged, found, wanted, seen)
        if fault:
            return fault
    if "resume" in seen.refused or seen.before is None or seen.after is None:
        return "refused", ""
    done = {name for name in truth.weights if name[1] in seen.after}
    other = [f"{name} of {cell}" for name, cell in done if seen.weights.get((name, cell)) != truth.weights[name, cell]]
    if other:
        return "SILENT", f"other weights in {other[0]}"
    if seen.after != truth.after:
        return "noticed", ""
    whole = seen.before == truth.before and not seen.words
    return ("harmless", "") if whole else ("repaired", "")


def _compared(damaged: set[Cell], found: Results, wanted: Results, seen: Seen) -> tuple[str, str] | None:
    """Return the fault of results against the true ones, None when every difference is named."""
    hidden = wanted.keys() - found.keys() - damaged
    if hidden:
        return "HIDES", f"{sorted(hidden)} are missing, which were not damaged"
    for cell in found.keys() - wanted.keys():
        return "SILENT", f"there is a cell {cell} that nobody asked for"
    for cell, one in found.items():
        lacks_outcome = one["outcome"] is None and one["rounds"] == wanted[cell]["rounds"] and seen.names(cell)
        if one != wanted[cell] and not lacks_outcome:
            parts = [name for name in one if one[name] != wanted[cell][name]]
            return "SILENT", f"{cell} has another {' and other '.join(parts)}"
    for cell in wanted.keys() - found.keys():
        if not seen.names(cell):
            return "SILENT", f"{cell} is missing and nothing names it"
    return None


def main() -> None:
    """Damage, look, and print the verdicts by kind of file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, action="append", help="only damage files of this kind")
    given = parser.parse_args()
    draws = random.Random(given.seed)
    counts: Counter[tuple[str, str]] = Counter()
    faults = Faults()
    start = time.monotonic()
    with work_folder("damage") as root:
        truth = make(root / "pristine", root / "trial")
        print(f"the store is made, {time.monotonic() - start:.0f} s", flush=True)
        for number in range(given.count):
            kind = draws.choice(given.kind or list(KINDS))
            store = copy(root / "pristine", root / "trial")
            how, paths = damage(root / "trial", kind, draws)
            seen = observe(store, request(3, LATER))
            found, why = verdict(kind, damaged_cells(paths, truth), seen, truth)
            counts[kind, found] += 1
            if found in FAULTS:
                where = " and ".join(str(path.relative_to(root / "trial")) for path in paths)
                faults.add(f"{number}: {found}: {how} of {where}: {' '.join(why.split())[:300]}")
    total = [["all", *(sum(counts[kind, one] for kind in KINDS) for one in VERDICTS)]]
    print_table(["file", *VERDICTS], [[kind, *(counts[kind, one] for one in VERDICTS)] for kind in KINDS] + total)
    print(f"{given.count} damages in {time.monotonic() - start:.0f} s")
    faults.conclude()


if __name__ == "__main__":
    main()
