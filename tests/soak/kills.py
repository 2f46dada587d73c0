"""Random SIGKILLs of runs, each followed by the same command: nothing is lost and nothing is computed twice.

    python -m tests.soak.kills --count 200 --seed 0

Small studies run with two jobs and are killed, with their process group, at random moments, until each is done. A round
that was reported must never be reported again; results, weights and initial networks must be those of a run that was
left alone.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import small_options
from tests.soak.common import (
    STATEFUL,
    Faults,
    albench_process,
    print_table,
    results,
    run_albench,
    tensors,
    work_folder,
)

VALUES = {"rounds": 8, "initial_iterations": 60, "update_iterations": 40, "set_size": 3}
ROUND = re.compile(r"^(?P<cell>.+ / seed \d+): round (?P<round>\d+): .*\n$")
LATE_SECONDS = 4.0  # most that a kill waits for after the first round
HOPELESS = 20  # runs in a row without a kill that do not end the study


@dataclass
class Run:
    """What one run reported before it ended or was killed."""

    reported: list[tuple[str, int]] = field(default_factory=list)
    errors: str = ""
    code: int = 0
    killed: bool = False


@dataclass
class Tally:
    """What all runs came to."""

    kills: int = 0
    studies: int = 0
    reported: int = 0
    recomputed: int = 0
    lost: int = 0
    faults: Faults = field(default_factory=Faults)


def command(store: Path) -> list[object]:
    """Return the words of the command that is given again and again."""
    strategies = f"random,min,{STATEFUL}"
    return ["run", "--strategies", strategies, "--seeds", 2, "--jobs", 2, *small_options(**VALUES), "--store", store]


def run_until(store: Path, from_start: float | None, after_round: float | None) -> Run:
    """Run the command and kill it so many seconds after its start or its first round; None for neither."""
    run = Run()
    errors = store.with_suffix(".stderr")
    with errors.open("w") as file:
        process = albench_process(command(store), stderr=file)

        def kill() -> None:
            if process.poll() is None:
                run.killed = True
                os.killpg(process.pid, signal.SIGKILL)

        timers = [threading.Timer(from_start, kill)] if from_start is not None else []
        for timer in timers:
            timer.start()
        assert process.stdout is not None
        for line in process.stdout:
            found = ROUND.match(line)
            if found:
                run.reported.append((found["cell"], int(found["round"])))
            if found and after_round is not None and not timers:
                timers.append(threading.Timer(after_round, kill))
                timers[0].start()
        for timer in timers:
            timer.cancel()
        run.code = process.wait()
    run.errors = errors.read_text()
    run.killed = run.killed and run.code == -signal.SIGKILL
    return run


def run_study(store: Path, draws: random.Random, length: float, tally: Tally, most: int) -> None:
    """Kill and repeat until the study is done; count what was reported and what again."""
    reported: set[tuple[str, int]] = set()
    unkilled = 0
    while unkilled < HOPELESS:
        left_alone = tally.kills >= most
        early = draws.random() < 0.5
        run = run_until(
            store,
            None if left_alone or not early else draws.uniform(0, length),
            None if left_alone or early else draws.uniform(0, LATE_SECONDS),
        )
        again = [one for one in run.reported if one in reported]
        tally.faults.add(*(f"round {number} of {cell} was computed again" for cell, number in again))
        tally.recomputed += len(again)
        tally.reported += len(run.reported)
        reported |= set(run.reported)
        tally.kills += run.killed
        if "Traceback" in run.errors:
            tally.faults.add(f"a traceback: {run.errors[-300:]}")
        if not run.killed and run.code == 0:
            break
        unkilled = 0 if run.killed else unkilled + 1
        time.sleep(0.2 if unkilled else 0)
    else:
        tally.faults.add(f"{HOPELESS} runs did not end the study: {run.errors[-300:]}")
    tally.studies += 1
    _check_reported(store, reported, tally)
    print(
        f"{tally.kills} kills, {tally.reported} rounds reported, {tally.recomputed} again, {tally.lost} lost",
        flush=True,
    )


def _check_reported(store: Path, reported: set[tuple[str, int]], tally: Tally) -> None:
    kept = {
        (f"{scenario} / {strategy} / seed {seed}", number)
        for (scenario, strategy, seed), one in results(store).items()
        for number in range(len(one["rounds"]))
    }
    tally.lost += len(reported - kept)
    tally.faults.add(
        *(f"round {number} of {cell} was reported and is lost" for cell, number in sorted(reported - kept))
    )


def main() -> None:
    """Kill runs, and print what was reported, computed again and lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draws = random.Random(given.seed)
    tally = Tally()
    with work_folder("kills") as root:
        start = time.monotonic()
        run_albench(*command(root / "whole"))
        length = time.monotonic() - start
        truth, weights = results(root / "whole"), tensors(root / "whole")
        while tally.kills < given.count:
            store = root / f"study{tally.studies}"
            run_study(store, draws, length, tally, given.count)
            if results(store) != truth:
                tally.faults.add(f"study {tally.studies} has other results than the one that was left alone")
            if tensors(store) != weights:
                tally.faults.add(f"study {tally.studies} has other weights than the one that was left alone")
    header = ["killed", "studies", "reported", "computed again", "lost"]
    print_table(header, [[tally.kills, tally.studies, tally.reported, tally.recomputed, tally.lost]])
    tally.faults.conclude()


if __name__ == "__main__":
    main()
