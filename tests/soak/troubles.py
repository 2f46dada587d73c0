"""What may befall one run: a death, a full disk, a clock that jumps, damage to files beforehand; drawn by a seed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.soak.common import clock
from tests.soak.damages import damage_one

WHO = ("tree", "submitter", "worker")
WHEN = ("start", "round", "write")
LATE_SECONDS = 4.0  # most that a kill waits for after the first round
WRITES = 12  # most writes that a kill in the middle of one waits for
FULL_BYTES = (0, 200, 5_000, 100_000)  # where a file may grow no further: in every file, in rows, in a checkpoint
MOST_TIMES = 4
MINUTES = (-60 * 24 * 400, -11, 11, 60 * 24 * 400)  # by which a clock is wrong
REPAIRED = ("study.json", "cell.json", "rounds.jsonl", "outcome.json")  # from the checkpoint, by the next run


@dataclass(frozen=True)
class Trouble:
    """What happens to one run. A run that nobody is killed in ends by itself."""

    who: str = ""  # of WHO
    when: str = "start"  # of WHEN
    wait: float = 0.0  # seconds from the start or the first round; for a write, how many go before it
    times: int = 1  # workers of one run that are killed, one after the other
    full_bytes: int | None = None
    minutes: int = 0
    damaged: str = ""  # a kind of file, of which one is damaged before the run

    @classmethod
    def drawn(cls, draws: random.Random, length: float) -> Trouble:
        """Return what befalls a run that takes about so many seconds."""
        who, when = draws.choice((*WHO, "worker")), draws.choice(WHEN)
        wait = {
            "start": draws.uniform(0, 0.7 * length),
            "round": draws.uniform(0, LATE_SECONDS),
            "write": float(draws.randrange(WRITES)),
        }[when]
        full = draws.choice(FULL_BYTES) if draws.random() < 0.15 else None
        minutes = draws.choice(MINUTES) if draws.random() < 0.25 else 0
        times = draws.randint(1, MOST_TIMES) if who == "worker" else 1
        return cls(who, when, wait, times, full, minutes, draws.choice(REPAIRED) if draws.random() < 0.2 else "")

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before the command of the run."""
        words: tuple[str, ...] = ()
        if self.full_bytes is not None:
            words += ("prlimit", f"--fsize={self.full_bytes}")
        if self.minutes and shutil.which("faketime"):
            words += clock(f"{self.minutes:+}")
        return words

    def harm(self, store: Path, draws: random.Random) -> str:
        """Damage a file of a store and return how, "" where none is."""
        found = sorted(store.rglob(self.damaged)) if self.damaged else []
        found = [path for path in found if path.stat().st_size]
        return damage_one(draws.choice(found), draws) if found else ""

    def kill(self, submitter: int, draws: random.Random) -> int:
        """Kill whom it names, all at once; return how many processes there were."""
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(submitter)
            workers = parent.children(recursive=True)
            if self.who == "worker":
                return _killed([draws.choice(workers)] if workers else [])
            return _killed([parent, *(workers if self.who == "tree" else [])])
        return 0


def _killed(processes: Iterable[psutil.Process]) -> int:
    count = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
            count += 1
    return count
