"""A fleet on one folder: processes that all want the same cells, which do nothing but store their rounds.

    python -m tests.soak.fleet --members 200 --cells 2000

Leases, records, checkpoints and rounds are real; nothing is trained. Each member takes the cells in the same order, as
runs of one study do. Every round that is made is noted, so that one that is made twice is seen.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from albench import api
from albench.errors import HeldError
from albench.store.store import Store
from albench.study.spec import CellSpec
from tests.soak import planned
from tests.soak.common import Faults, print_table


def member(plan: api.Plan, notes: Path, rounds: int) -> None:
    """Store the cells that nobody has, one after the other."""
    store = Store(plan.store)
    with notes.open("a", buffering=1, encoding="utf-8") as file:
        for spec in plan.cells:
            try:
                if _perform(store, spec, rounds, file.write):
                    file.write("claims\n")
            except HeldError:
                file.write("held\n")


def _perform(store: Store, spec: CellSpec, rounds: int, note: object) -> bool:
    """Add the rounds that a cell lacks, and return whether it lacked any."""
    cell = {**spec.name, "key": spec.key}
    if store.status(cell, rounds)["status"] == "done":
        return False
    with store.cell_of(spec).owned(spec) as owned:
        there = owned.restore()
        kept = len(there.rows) if there else 0
        if kept > rounds:
            return False
        planned.begin(owned, spec, rounds)
        rows = planned.made_up(spec, rounds)
        for number in range(kept, rounds + 1):
            owned.save(planned.checkpoint(rows[: number + 1]))
            note(f"{spec.key} {number}\n")  # type: ignore[operator]
        planned.finish(owned, spec, rounds)
        return True


def fleet(root: Path, members: int, cells: int, rounds: int, faults: Faults) -> list[object]:
    """Let processes work on a new store, and return the row of a table: what they did, and how fast."""
    plan = planned.plan(root / "store", cells, rounds=rounds)
    store = planned.register(plan)
    context = multiprocessing.get_context("fork")  # one import of torch serves all
    processes = [
        context.Process(target=member, args=(plan, root / f"notes-{place}", rounds)) for place in range(members)
    ]
    start = time.monotonic()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    seconds = time.monotonic() - start
    counts = Counter(line for path in root.glob("notes-*") for line in path.read_text().splitlines())
    claims, held = counts.pop("claims", 0), counts.pop("held", 0)
    twice = sum(count > 1 for count in counts.values())
    done = sum(one.status == "done" for one in store.statuses())
    left = [path for path in store.root.rglob("*") if path.name == "claim" or path.name.startswith(".")]
    if any(process.exitcode for process in processes):
        faults.add("a member failed")
    if (twice, done, claims, len(counts)) != (0, len(plan.cells), len(plan.cells), len(plan.cells) * (rounds + 1)):
        faults.add(f"{twice} rounds made twice, {done} of {len(plan.cells)} cells done, {claims} claims")
    if left:
        faults.add(f"{len(left)} files are left over, such as {left[0]}")
    return [members, len(plan.cells), rounds, f"{seconds:.1f}", f"{claims / seconds:.1f}", held, twice]


def main() -> None:
    """Let a fleet work, and print what it did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--cells", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument(
        "--folder", type=Path, default=None, help="where the store lies for as long [default: temporary]"
    )
    given = parser.parse_args()
    faults = Faults()
    with tempfile.TemporaryDirectory(prefix="albench-fleet-", dir=given.folder) as folder:
        row = fleet(Path(folder), given.members, given.cells, given.rounds, faults)
    print(f"{os.cpu_count()} processors")
    print_table(
        ["members", "cells", "rounds", "seconds", "claims a second", "met a holder", "rounds made twice"], [row]
    )
    faults.conclude()


if __name__ == "__main__":
    main()
