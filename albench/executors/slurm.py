"""Cells as jobs of SLURM, through submitit: job arrays, several cells a job, a requeue where a job has to end early."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt

from albench.contracts.executor import Emit, Executor, Task, is_cancelled
from albench.errors import EngineError, RequestError, reason
from albench.executors.lasting import DEATHS, task_key
from albench.executors.pack import Pack, ended

POLL_SECONDS = 1.0  # between two looks at what jobs wrote
SHARE = 10  # a look takes at most one part in so many of the time
PATIENCE_SECONDS = 120.0  # for a SLURM that does not answer when cells are to be submitted
ASK_SECONDS = 10.0  # between two questions to SLURM, which everybody shares
MOST_ELEMENTS = 1000  # of a job array; MaxArraySize is 1001 unless somebody set it
TIMEOUTS = 10_000  # submitit counts them; a cell may take as many jobs as it needs
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?")

Place = tuple[str, int]  # a submission's token, and the element of its array


@dataclass(frozen=True)
class Slurm(Executor):
    """Run cells as jobs of SLURM, in job arrays: `cells` in each job, `jobs` of them at a time.

    `time` is a job's limit as SLURM writes it (minutes, hours:minutes:seconds, days-hours); `signal` seconds before it,
    and when it is pre-empted, a job gives back its cells and is requeued. `gpus` and `memory` (GB) are a job's; of an
    `array`, so many jobs run at a time.
    """

    partition: str | None = None
    time: str = "60"
    gpus: Annotated[int, Ge(0)] = 0
    array: Annotated[int, Ge(1)] = 256
    cells: Annotated[int, Ge(1)] = 1
    jobs: Annotated[int, Ge(1)] = 1
    memory: Annotated[float, Gt(0)] | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    signal: Annotated[int, Ge(1)] = 90
    remote: ClassVar[bool] = True
    ends_cells: ClassVar[bool] = True

    def __post_init__(self) -> None:
        minutes(self.time)

    @property
    def outlives(self) -> bool:
        """SLURM keeps what it has."""
        return True

    def check(self) -> None:
        """Raise RequestError where submitit is missing, or SLURM."""
        try:
            import submitit  # noqa: F401
        except ImportError as error:
            raise RequestError(
                f"the executor slurm needs submitit ({reason(error)}): pip install 'albench[slurm]'"
            ) from None
        missing = [name for name in ("sbatch", "srun", "squeue", "scancel") if shutil.which(name) is None]
        if missing:
            raise RequestError(f"there is no {missing[0]} here; run it where jobs are submitted to SLURM")

    def run(self, tasks: Sequence[Task], emit: Emit) -> None:
        """Perform every task; see the contract. A job that is gone before its cells is submitted again."""
        left = {task_key(task): task for task in tasks}
        losses: Counter[str] = Counter()
        while left and not is_cancelled(tasks[0]):
            lost = self._follow(self._placed(list(left.values())), left, emit)
            losses.update(lost)
            for key in [key for key in lost if losses[key] == DEATHS]:
                why = f"SLURM ended its job {DEATHS} times; {_folder(left[key])} has what the jobs said"
                emit({"event": "died", "cell": left.pop(key)["name"], "reason": why})

    def submit(self, tasks: Sequence[Task]) -> None:
        """Give every task to SLURM that it does not have yet."""
        self._placed(tasks)

    def withdraw(self, store: Path) -> None:
        """Cancel the jobs of a store that wait; those that run end by themselves."""
        if shutil.which("squeue") is None or shutil.which("scancel") is None:
            return
        waiting = [job for job, _ in (_jobs(_prefix(store), "--states=PENDING") or {}).values()]
        if waiting:
            subprocess.run(["scancel", *waiting], capture_output=True, check=False)  # noqa: S603, S607

    def _placed(self, tasks: Sequence[Task]) -> dict[Place, list[str]]:
        """Return where each task is in SLURM, the keys of a job's by its place, having submitted those it lacks."""
        folder = _folder(tasks[0])
        wanted = {task_key(task): task for task in tasks}
        places: dict[Place, list[str]] = {}
        for place in _live_for_sure(Path(tasks[0]["store"])):
            over = ended(_ended_file(folder, place))
            places[place] = [key for key in _packed(folder, place) if key in wanted and key not in over]
        there = {key for keys in places.values() for key in keys}
        packs = list(_chunks([task for key, task in wanted.items() if key not in there], self.cells))
        for array in _chunks(packs, MOST_ELEMENTS):
            token = self._submit(folder, array)
            places |= {(token, index): [task_key(task) for task in pack] for index, pack in enumerate(array)}
        return places

    def _submit(self, folder: Path, packs: Sequence[Sequence[Task]]) -> str:
        """Submit packs of tasks as one job array, and return its token."""
        import submitit

        token = uuid.uuid4().hex[:12]
        own = folder / token
        own.mkdir(parents=True)
        store = Path(packs[0][0]["store"])
        keys = [[task_key(task) for task in pack] for pack in packs]
        (own / "packs.json").write_text(json.dumps(keys), encoding="utf-8")
        engine = submitit.SlurmExecutor(folder=own, max_num_timeout=TIMEOUTS)
        engine.update_parameters(**self._parameters(f"{_prefix(store)}{token}", int(packs[0][0]["threads"])))
        try:
            engine.submit_array(
                [Pack(pack, _ended_file(folder, (token, index)), self.jobs) for index, pack in enumerate(packs)]
            )
        except Exception as error:  # of submitit, whose classes differ from release to release
            raise EngineError(
                f"SLURM does not take the jobs ({reason(error)}); mend what it names, and run again"
            ) from error
        return token

    def _parameters(self, name: str, threads: int) -> dict[str, Any]:
        """Return the parameters of jobs as submitit calls them."""
        cpus = self.jobs * threads
        chosen = {
            "partition": self.partition,
            "gpus_per_node": self.gpus or None,
            "mem": None if self.memory is None else f"{max(1, round(self.memory * 1024))}MB",
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
        }
        return {
            "job_name": name,
            "time": minutes(self.time),
            "cpus_per_task": cpus,
            "srun_args": [f"--cpus-per-task={cpus}"],  # which a step does not take over from its job
            "array_parallelism": self.array,
            "signal_delay_s": self.signal,
            "additional_parameters": {"requeue": True},
            **{name: value for name, value in chosen.items() if value is not None},
        }

    def _follow(self, places: Mapping[Place, Sequence[str]], left: dict[str, Task], emit: Emit) -> list[str]:
        """Emit how tasks ended and take them off, until jobs are gone or nothing is left; return what those lost."""
        task = next(iter(left.values()))
        asked, pause, lost = time.monotonic(), POLL_SECONDS, list[str]()
        while left and not lost and not is_cancelled(task):
            time.sleep(pause)
            begun = time.monotonic()
            live: set[Place] | None = set(places)
            if time.monotonic() - asked > ASK_SECONDS:
                live, asked = _live(Path(task["store"])), time.monotonic()
            for place, keys in places.items():
                over = ended(_ended_file(_folder(task), place))  # read after SLURM was asked: what is gone has written
                for key in [key for key in keys if key in left and key in over]:
                    del left[key]
                    emit(over[key])
                if live is not None and place not in live:
                    lost += [key for key in keys if key in left]
            pause = max(POLL_SECONDS, SHARE * (time.monotonic() - begun))
        return lost


def minutes(text: str) -> int:
    """Return a time limit in minutes, from minutes, minutes:seconds, hours:minutes:seconds or days-hours[:...]."""
    match = _TIME.fullmatch(text.strip())
    if not match:
        raise ValueError(f"time: {text!r} is no time limit; write minutes, hours:minutes:seconds or days-hours")
    parts = [int(match[name] or 0) for name in ("first", "second", "third")]
    if match["days"] is not None:
        hours, mins, seconds = parts
        seconds += 86400 * int(match["days"]) + 3600 * hours + 60 * mins
    elif match["third"] is not None:
        seconds = 3600 * parts[0] + 60 * parts[1] + parts[2]
    else:
        seconds = 60 * parts[0] + parts[1]
    return max(1, -(-seconds // 60))


def _folder(task: Task) -> Path:
    """Return the folder of a store that takes what SLURM needs: what jobs read and write."""
    return Path(task["store"]) / "jobs"


def _ended_file(folder: Path, place: Place) -> Path:
    token, index = place
    return folder / token / f"ended-{index}.jsonl"


def _packed(folder: Path, place: Place) -> list[str]:
    """Return the keys of the tasks that a job was given."""
    token, index = place
    try:
        return list(json.loads((folder / token / "packs.json").read_text(encoding="utf-8"))[index])
    except (OSError, ValueError, IndexError, TypeError):
        return []


def _prefix(store: Path) -> str:
    """Return what the names of a store's jobs begin with: SLURM is asked by it, and nothing in a store is believed."""
    return f"albench-{hashlib.sha256(str(store).encode()).hexdigest()[:12]}-"


def _live(store: Path) -> set[Place] | None:
    """Return the jobs of a store that wait or run, None where SLURM does not answer."""
    jobs = _jobs(_prefix(store))
    return None if jobs is None else set(jobs)


def _live_for_sure(store: Path) -> set[Place]:
    """Return the jobs of a store that wait or run; EngineError where SLURM does not answer for long."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (live := _live(store)) is None:
        if time.monotonic() > end:
            raise EngineError(
                "SLURM does not answer (squeue); what it has goes on, and the same command joins it when it answers"
            )
        time.sleep(POLL_SECONDS)
    return live


def _jobs(prefix: str, *options: str) -> dict[Place, tuple[str, str]] | None:
    """Return number and state of this user's jobs whose names begin so, by their places; None without an answer."""
    words = ["squeue", "--me", "--noheader", "--array", "--format=%i|%T|%j", *options]
    try:
        asked = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    found: dict[Place, tuple[str, str]] = {}
    for line in asked.stdout.splitlines():
        number, state, name = line.split("|", 2)
        if name.startswith(prefix):
            _, _, index = number.partition("_")
            found[name.removeprefix(prefix), int(index or 0)] = number, state
    return found


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
