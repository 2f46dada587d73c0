"""One store, two runs at once that cannot see each other: containers, clocks that differ, a run that was suspended.

    python -m tests.soak.owners [--only container] [--wait]

Wants root for namespaces and Debian's `faketime`; what cannot be tried is skipped with a word. After each trial no row
stands twice, ``status`` says done, the results are those of a run that was left alone, and who lost says so in a sentence.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from albench.store.leases import SILENT_SECONDS
from tests.conftest import small_options
from tests.soak.common import Faults, albench_process, clock, print_table, results, run_albench, work_folder

ROUNDS = 10
VALUES = {"rounds": ROUNDS, "initial_iterations": 60, "update_iterations": 600, "set_size": 3}
CONTAINER = ("unshare", "--pid", "--fork", "--mount-proc")
OTHER_HOST = ("unshare", "--uts", "--pid", "--fork", "--mount-proc", "sh", "-c", 'hostname other && exec "$@"', "sh")
PATIENCE_SECONDS = 300
LATE = "0 of 1 cells to run"


@dataclass(frozen=True)
class Trial:
    """How the second run is started, and what that needs."""

    name: str
    prefix: tuple[str, ...] = ()
    root: bool = False

    def lacks(self) -> str:
        """Return what is missing here, an empty text when nothing is."""
        if self.root and os.geteuid() != 0:
            return "wants root"
        absent = [word for word in ("unshare", "faketime") if word in self.prefix and shutil.which(word) is None]
        return f"wants {absent[0]}" if absent else ""


TRIALS = [
    Trial("plain"),
    Trial("container", CONTAINER, root=True),
    Trial("clock +11", clock("+11")),
    Trial("clock -11", clock("-11")),
    Trial("other host +11", (*OTHER_HOST, *clock("+11")), root=True),
    Trial("other host -11", (*OTHER_HOST, *clock("-11")), root=True),
]


def command(store: Path) -> list[object]:
    """Return the words that both runs are given."""
    return ["run", "--strategies", "min", "--seeds", 1, *small_options(**VALUES), "--store", store]


def together(store: Path, trial: Trial, after_round: bool) -> list[str]:
    """Start two runs, the second at once or when the first has reported a round; return the faults of their ends."""
    first = albench_process(command(store))
    if after_round:
        _wait_for_round(first)
    second = albench_process(command(store), trial.prefix)
    return _both(_end(first), _end(second))


def suspended(store: Path, really: bool) -> list[str]:
    """Suspend a run past its lease, let another finish, and continue the first; return the faults of their ends.

    `really` waits for the lease to end; else the claim is made as old as that, which is what its age is read from.
    """
    first = albench_process(command(store))
    _wait_for_round(first)
    tree = [psutil.Process(first.pid), *psutil.Process(first.pid).children(recursive=True)]
    for process in tree:
        process.send_signal(signal.SIGSTOP)
    if really:
        time.sleep(SILENT_SECONDS + 5)
    for claim in store.glob("cells/*/*/*/claim"):
        before = claim.stat().st_mtime - (0 if really else SILENT_SECONDS + 5)
        os.utime(claim, (before, before))
    try:
        end = _end(albench_process(command(store)))
    finally:
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
    return _both(_end(first, "is held by this run no more"), end)


def _wait_for_round(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    while line := process.stdout.readline():
        if ": round 1:" in line:
            return


def _end(process: subprocess.Popen[str], expected: str = "") -> tuple[int | None, list[str]]:
    """Wait for a run that is to say something; return its exit code and what was wrong with its end."""
    try:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, [f"a run had not ended after {PATIENCE_SECONDS} s"]
    faults = []
    if LATE in out and process.returncode == 0:  # it says so of a cell that another holds as well, and ends with 1
        faults.append("the other run was over when this one began, so nothing was tried")
    if expected not in out + err:
        faults.append(f"it did not say that its cell {expected}: {out[-300:]}")
    if "Traceback" in err:
        faults.append(f"a traceback: {err[-300:]}")
    if process.returncode not in (0, 1):
        faults.append(f"a run ended with {process.returncode}: {err[-300:]}")
    if process.returncode == 1 and not err.strip():
        faults.append("a run ended with 1 and without a word")
    return process.returncode, faults


def _both(one: tuple[int | None, list[str]], other: tuple[int | None, list[str]]) -> list[str]:
    """Return the faults of two ends, of which one at least must be a success."""
    codes = [one[0], other[0]]
    return [*one[1], *other[1], *([] if 0 in codes else [f"no run ended with 0, but with {codes}"])]


def store_faults(store: Path, whole: Path) -> list[str]:
    """Return what is wrong in a store that two runs have left."""
    faults = []
    for path in store.glob("cells/*/*/*/rounds.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        numbers = [line["round"] for line in lines if "round" in line]
        if numbers != list(range(ROUNDS + 1)):
            faults.append(f"rounds.jsonl has the rounds {numbers}")
    try:
        if results(store) != results(whole):
            faults.append("the results are not those of a run that was left alone")
        faults += [
            f"status says {one['status']}, {one['rounds']} rounds: {one['reason']}"
            for one in json.loads(run_albench("status", store, "--format", "json"))
            if (one["status"], one["rounds"]) != ("done", ROUNDS)
        ]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault
        faults.append(f"the store cannot be read: {type(error).__name__}: {error}")
    return faults


def main() -> None:
    """Try each way, twice: started together, and the second when the first is at work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", help="the name of a trial")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--wait", action="store_true", help="suspend a run for as long as a lease lasts, ten minutes")
    given = parser.parse_args()
    rows: list[tuple[str, str, str]] = []
    faults = Faults()

    def attempt(name: str, start: str, lacks: str, run: Callable[[Path], list[str]]) -> None:
        if given.only and name not in given.only:
            return
        if lacks:
            rows.append((name, start, f"skipped: {lacks}"))
            return
        store = root / f"store{len(rows)}"
        found = run(store) + store_faults(store, root / "whole")
        rows.append((name, start, f"{len(found)} faults" if found else "ok"))
        faults.add(*(f"{name}, {start}: {' '.join(fault.split())}" for fault in found))

    with work_folder("owners") as root:
        run_albench(*command(root / "whole"))
        for trial in TRIALS * given.repeat:
            attempt(trial.name, "together", trial.lacks(), lambda store, one=trial: together(store, one, False))  # type: ignore[misc]
            attempt(trial.name, "at work", trial.lacks(), lambda store, one=trial: together(store, one, True))  # type: ignore[misc]
        attempt("suspended", "past its lease", "", lambda store: suspended(store, given.wait))
    print_table(["second run", "started", "result"], rows)
    faults.conclude()


if __name__ == "__main__":
    main()
