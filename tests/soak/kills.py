"""Random deaths and other troubles of runs, each followed by the same command: nothing is lost, nothing computed twice.

    python -m tests.soak.kills --count 200 --seed 0 [--plain]

Small studies run with two jobs. A worker, the submitter or the whole tree is killed by SIGKILL: some time after the
start, some time after the first round, or in the middle of a write. Mixed in, unless `--plain`: runs whose files can
grow no further, as on a full disk, runs under a clock that is wrong by minutes or a year (Debian's `faketime`), and
damage to a file before a run, of a kind that a checkpoint repairs. A round that was reported must never be reported
again; results, weights and initial networks must be those of a run that was left alone. The seed draws the troubles;
at which instruction a process dies is the machine's.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import threading
import time
from collections import Counter
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
from tests.soak.troubles import WHO, Trouble

VALUES = {"rounds": 8, "initial_iterations": 60, "update_iterations": 40, "set_size": 3}
ROUND = re.compile(r"^(?P<cell>.+ / seed \d+): round (?P<round>\d+): .*\n$")
HOPELESS = 20  # runs in a row without a kill that do not end the study
PATIENCE_SECONDS = 300
WRITTEN = "cells/*/*/*/.*.part"
LOOK_SECONDS = 0.0002  # between two looks for a file that is being written: of a millisecond half are missed


@dataclass
class Run:
    """What one run reported before it ended or was killed."""

    reported: list[tuple[str, int]] = field(default_factory=list)
    errors: str = ""
    code: int = 0
    kills: int = 0
    in_write: int = 0  # kills in the middle of a write


@dataclass
class Tally:
    """What all runs came to."""

    most: int
    length: float = 10.0  # seconds of a run that is left alone
    plain: bool = False
    kills: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    studies: int = 0
    reported: int = 0
    recomputed: int = 0
    lost: int = 0
    faults: Faults = field(default_factory=Faults)

    def trouble(self, draws: random.Random) -> Trouble:
        """Return what shall befall the next run: nothing once there were enough deaths."""
        if self.kills.total() >= self.most:
            return Trouble()
        drawn = Trouble.drawn(draws, self.length)
        return Trouble(drawn.who, drawn.when, drawn.wait, drawn.times) if self.plain else drawn


def command(store: Path, strategies: str, seeds: int, **values: int) -> list[object]:
    """Return the words of the command that is given again and again."""
    options = small_options(**{**VALUES, **values})
    return [
        "run",
        "--strategies",
        strategies,
        "--seeds",
        seeds,
        "--jobs",
        2,
        "--retry-failed",
        *options,
        "--store",
        store,
    ]


def run_with(trouble: Trouble, store: Path, words: list[object], draws: random.Random) -> Run:
    """Give the command, let the trouble come, and return what was reported until its end."""
    return _Watched(albench_process(words, trouble.prefix, bufsize=1), trouble, store, draws).to_its_end()


@dataclass
class _Watched:
    """A run, and what it has reported so far."""

    process: subprocess.Popen[str]
    trouble: Trouble
    store: Path
    draws: random.Random
    run: Run = field(default_factory=Run)
    first_round: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def to_its_end(self) -> Run:
        targets = [self._read_errors, self._read_rounds, *([self._make_trouble] if self.trouble.who else [])]
        threads = [threading.Thread(target=target, daemon=True) for target in targets]
        for thread in threads:
            thread.start()
        try:
            self.run.code = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.run.errors = f"Traceback: it had not ended after {PATIENCE_SECONDS} s"
        self.over.set()
        self.first_round.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        return self.run

    def _make_trouble(self) -> None:
        if self.trouble.when == "round":
            self.first_round.wait()
        for _ in range(self.trouble.times):
            writes = self.trouble.when == "write"
            if writes:
                _await_write(self.store, int(self.trouble.wait), self.over)
            else:
                self.over.wait(self.trouble.wait)
            if not self.over.is_set() and self.trouble.kill(self.process.pid, self.draws):
                self.run.kills += 1
                self.run.in_write += writes

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.run.errors += self.process.stderr.read()

    def _read_rounds(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := ROUND.match(line):
                self.run.reported.append((found["cell"], int(found["round"])))
                self.first_round.set()


def _await_write(store: Path, before: int, over: threading.Event) -> None:
    """Wait until a file is being written to a store, after so many others, or the run is over."""
    left = set(store.glob(WRITTEN))  # by one that died
    seen = set[Path]()
    while not over.is_set() and len(seen - left) <= before:
        seen.update(store.glob(WRITTEN))
        time.sleep(LOOK_SECONDS)


def run_study(store: Path, words: list[object], draws: random.Random, tally: Tally) -> None:
    """Make trouble and repeat until the study is done; count what was reported and what again."""
    reported: set[tuple[str, int]] = set()
    unkilled = 0
    while unkilled < HOPELESS:
        trouble = tally.trouble(draws)
        harm = trouble.harm(store, draws)
        run = run_with(trouble, store, words, draws)
        again = [one for place, one in enumerate(run.reported) if one in reported or one in run.reported[:place]]
        tally.faults.add(*(f"{trouble}: round {number} of {cell} was computed again" for cell, number in again))
        tally.recomputed += len(again)
        tally.reported += len(run.reported)
        reported |= set(run.reported)
        _count(trouble, run, harm, tally)
        if "Traceback" in run.errors:
            tally.faults.add(f"{trouble}: a traceback: {run.errors[-300:]}")
        if not run.kills and run.code == 0 and trouble.full_bytes is None:
            break
        unkilled = 0 if run.kills else unkilled + 1
        time.sleep(0.2 if unkilled else 0)
    else:
        tally.faults.add(f"{HOPELESS} runs did not end the study: {run.errors[-300:]}")
    tally.studies += 1
    _check_reported(store, reported, tally)
    mixed = ", ".join(f"{count} {name}" for name, count in tally.troubles.items())
    print(
        f"{tally.kills.total()} kills ({mixed}), {tally.reported} rounds reported, {tally.recomputed} again, "
        f"{tally.lost} lost",
        flush=True,
    )


def _count(trouble: Trouble, run: Run, harm: str, tally: Tally) -> None:
    if run.kills:
        tally.kills[trouble.who] += run.kills
    tally.troubles["in a write"] += run.in_write
    tally.troubles["full disk"] += trouble.full_bytes is not None
    tally.troubles["other clock"] += trouble.minutes != 0
    tally.troubles["damaged file"] += bool(harm)


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


def trials(root: Path, tally: Tally, draws: random.Random, strategies: str, seeds: int, **values: int) -> None:
    """Run studies until there were enough deaths; each ends as one that was left alone."""
    start = time.monotonic()
    run_albench(*command(root / "whole", strategies, seeds, **values))
    tally.length = time.monotonic() - start
    truth, weights = results(root / "whole"), tensors(root / "whole")
    while tally.kills.total() < tally.most:
        store = root / f"study{tally.studies}"
        run_study(store, command(store, strategies, seeds, **values), draws, tally)
        if results(store) != truth:
            tally.faults.add(f"study {tally.studies} has other results than the one that was left alone")
        if tensors(store) != weights:
            tally.faults.add(f"study {tally.studies} has other weights than the one that was left alone")


def main() -> None:
    """Make trouble, and print what was reported, computed again and lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plain", action="store_true", help="deaths alone")
    given = parser.parse_args()
    tally = Tally(given.count, plain=given.plain)
    with work_folder("kills") as root:
        trials(root, tally, random.Random(given.seed), f"random,min,{STATEFUL}", seeds=2)
    print_table(["killed", *tally.troubles], [[tally.kills.total(), *tally.troubles.values()]])
    header = [*WHO, "studies", "reported", "computed again", "lost"]
    rows = [[*(tally.kills[who] for who in WHO), tally.studies, tally.reported, tally.recomputed, tally.lost]]
    print_table(header, rows)
    tally.faults.conclude()


if __name__ == "__main__":
    main()
