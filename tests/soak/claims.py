"""Processes that contend for one claim, some of which die inside: there is never more than one inside.

    python -m tests.soak.claims --entries 1200 --members 8

Inside, each makes a link that must not exist, which holds its process number, waits a few milliseconds and removes it. A
link of a dead process is what its death left; one of a live process is a clash.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from albench.store.leases import leased as owned  # the one place that knows its name
from tests.soak.common import Faults, print_table

PATIENCE_SECONDS = 120  # without an entry, after which nobody will ever get in
KILL_SECONDS = 0.5  # between two deaths that come from outside, on average


def member(root: Path, seed: int, deadly: float) -> None:
    """Enter again and again until told to stop; sometimes die at a random moment inside."""
    draws = random.Random(seed)
    while not (root / "stop").exists():
        moment = draws.choice(["before", "inside", "after"]) if draws.random() < deadly else None
        with owned(root / "claim", "the claim", wait=True):
            _die(moment == "before", root)
            _enter(root)
            time.sleep(draws.uniform(0.001, 0.005))
            _die(moment == "inside", root)
            (root / "inside").unlink()
            _die(moment == "after", root)
        time.sleep(draws.uniform(0, 0.005))


def _enter(root: Path) -> None:
    inside = root / "inside"
    try:
        inside.symlink_to(str(os.getpid()))
    except FileExistsError:
        other = int(inside.readlink().name)
        _note(root, "clashes" if _lives(other) else "left by a death")
        inside.unlink(missing_ok=True)
        inside.symlink_to(str(os.getpid()))
    _note(root, "entries")


def _die(now: bool, root: Path) -> None:
    if now:
        _note(root, "deaths inside")
        os.kill(os.getpid(), signal.SIGKILL)


def _lives(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _note(root: Path, what: str) -> None:
    file = os.open(root / "notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{what}\n".encode())
    os.close(file)


def _notes(root: Path) -> Counter[str]:
    notes = root / "notes"
    return Counter(notes.read_text().splitlines() if notes.exists() else ())


def contend(root: Path, entries: int, members: int, draws: random.Random, faults: Faults) -> Counter[str]:
    """Let processes contend until there were so many entries; whoever dies is replaced, and some are killed."""
    context = multiprocessing.get_context("fork")  # a death is replaced at once
    outside = 0
    changed = time.monotonic()
    last: Counter[str] = Counter()

    def join() -> BaseProcess:
        process = context.Process(target=member, args=(root, draws.getrandbits(32), 0.05))
        process.start()
        return process

    present = [join() for _ in range(members)]
    while last["entries"] < entries:
        time.sleep(0.02)
        if draws.random() < 0.02 / KILL_SECONDS:
            draws.choice(present).kill()
            outside += 1
        for process in [one for one in present if not one.is_alive()]:
            if process.exitcode != -signal.SIGKILL:
                faults.add(f"a process ended with {process.exitcode}")
            present[present.index(process)] = join()
        notes = _notes(root)
        changed, last = (changed if notes == last else time.monotonic()), notes
        if time.monotonic() - changed > PATIENCE_SECONDS:
            faults.add(f"nobody got in for {PATIENCE_SECONDS} s")
            break
    (root / "stop").touch()
    for process in present:
        process.join(PATIENCE_SECONDS)
        if process.exitcode is None:
            faults.add("a process waits for ever")
            process.kill()
    return _notes(root) + Counter({"killed from outside": outside})


def main() -> None:
    """Contend, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1200)
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    faults = Faults()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="albench-claims-") as folder:
        counts = contend(Path(folder), given.entries, given.members, random.Random(given.seed), faults)
    header = ["members", "entries", "deaths inside", "killed from outside", "left by a death", "clashes"]
    print_table(header, [[given.members, *(counts[name] for name in header[1:])]])
    print(f"{time.monotonic() - start:.0f} s")
    if counts["clashes"]:
        faults.add(f"{counts['clashes']} times two were inside")
    faults.conclude()


if __name__ == "__main__":
    main()
