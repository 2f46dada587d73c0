"""Cells as the tasks of a Dask cluster: one that is there, or one of processes of this machine."""

from __future__ import annotations

import logging
import queue
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge

from albench.contracts.executor import Emit, Event, Executor, Task, is_cancelled
from albench.errors import EngineError, EngineWarning, RequestError, reason
from albench.executors.lasting import perform_lasting, task_key
from albench.executors.local import POLL_SECONDS, default_jobs
from albench.executors.process import Events, Process, emit_end

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 10.0
PATIENCE_SECONDS = 120.0  # for a scheduler that is gone

_idle: dict[int, list[Process]] = defaultdict(list)  # of a Dask worker, by their threads: they wait for their next cell


@dataclass(frozen=True)
class Dask(Executor):
    """Run cells on a Dask cluster, in processes of its workers, as many at a time as a worker has threads.

    `address` is the scheduler's; without one, `jobs` workers of this machine are started, each with `cells` cells at a
    time. A cell takes `gpus` of its worker's resource GPU.
    """

    address: str | None = None
    jobs: Annotated[int, Ge(1)] | None = None
    cells: Annotated[int, Ge(1)] = 1
    gpus: Annotated[float, Ge(0)] = 0
    remote: ClassVar[bool] = True
    ends_cells: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.address is not None and (self.jobs is not None or self.cells != 1):
            raise ValueError(
                "jobs and cells shape a cluster of this machine; leave them out, and start the workers of "
                f"{self.address} with --nworkers and --nthreads"
            )

    @property
    def outlives(self) -> bool:
        """Whether the cluster is somebody else's."""
        return self.address is not None

    def check(self) -> None:
        """Raise RequestError where Dask is missing, or nobody answers at the address."""
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise RequestError(f"the executor dask needs Dask ({reason(error)}): pip install 'albench[dask]'") from None
        if self.address is not None:
            try:
                with _client(self.address):
                    pass
            except EngineError as error:
                raise RequestError(str(error)) from None

    def run(self, tasks: Sequence[Task], emit: Emit) -> None:
        """Perform every task; see the contract. A scheduler that is gone is waited for, and given what is left."""
        left = {_key(task): task for task in tasks}
        with self._cluster(tasks) as address:
            patience = 0.0
            while left and not is_cancelled(tasks[0]):
                with _client(address, patience) as client:
                    self._run(client, left, emit)
                if left and not is_cancelled(tasks[0]):
                    patience = PATIENCE_SECONDS
                    warnings.warn(f"the scheduler at {address} is gone; waiting for it", EngineWarning, stacklevel=2)

    def submit(self, tasks: Sequence[Task]) -> None:
        """Give every task to the scheduler, which keeps it when this process ends."""
        assert self.address is not None
        with _client(self.address) as client:
            self._given(client, {_key(task): task for task in tasks})

    def _run(self, client: Client, left: dict[str, Task], emit: Emit) -> None:
        """Give what is left, and take it off as it ends; return when nothing is, or when the scheduler is gone."""
        ended: queue.Queue[Future[Event]] = queue.Queue()
        try:
            futures = self._given(client, left)
        except OSError:
            return
        for future in futures:
            future.add_done_callback(ended.put)
        while left:
            try:
                future = ended.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if is_cancelled(next(iter(left.values()))):
                    client.cancel(futures, force=True)
                    return
                continue
            if future.cancelled():  # as all are when the scheduler is gone
                return
            emit(_last_event(future, left.pop(future.key)))

    def _given(self, client: Client, tasks: Mapping[str, Task]) -> list[Future[Event]]:
        """Give tasks to a scheduler, so that they are done even if nobody asks for them any more."""
        from distributed import fire_and_forget

        resources = {"GPU": self.gpus} if self.gpus else None
        futures = [
            client.submit(perform_on_worker, dict(task), key=key, resources=resources) for key, task in tasks.items()
        ]
        unknown = futures
        while unknown:  # nobody can want what the scheduler does not know yet
            time.sleep(0.05)
            states = client.sync(client.scheduler.get_task_status, keys=[future.key for future in unknown])
            unknown = [future for future in unknown if states[future.key] is None and future.status == "pending"]
        fire_and_forget(futures)
        return futures

    @contextmanager
    def _cluster(self, tasks: Sequence[Task]) -> Iterator[str]:
        """Give the address of a scheduler, having started one where none is named."""
        if self.address is not None:
            yield self.address
            return
        from distributed import LocalCluster

        workers = {"resources": {"GPU": self.gpus * self.cells}} if self.gpus else {}
        with LocalCluster(
            n_workers=self.jobs or default_jobs(tasks),
            threads_per_worker=self.cells,
            memory_limit=0,  # cells have processes of their own
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            **workers,
        ) as cluster:
            yield cluster.scheduler_address


@contextmanager
def _client(address: str, patience: float = 0.0) -> Iterator[Client]:
    """Give a client of a scheduler, which may be away for so many seconds; EngineError."""
    from distributed import Client

    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it would say is said by us
    end = time.monotonic() + patience
    while True:
        try:
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
            break
        except (OSError, ValueError, RuntimeError) as error:
            if time.monotonic() >= end:
                raise EngineError(
                    f"no Dask scheduler answers at {address} ({reason(error)}); start it, and run the same command, "
                    "which goes on from what is finished"
                ) from None
            time.sleep(POLL_SECONDS)
    with client:
        yield client


def _key(task: Task) -> str:
    """Return the key of a task in Dask, so that a scheduler which has it already runs it once."""
    return f"albench-{task_key(task)}"


def _last_event(future: Future[Event], task: Task) -> Event:
    """Return how a task ended."""
    error = future.exception()
    died = {"event": "died", "cell": task["name"], "reason": f"Dask could not finish it: {reason(error)}"}
    return died if error is not None else dict(future.result())


def perform_on_worker(task: Task) -> Event:
    """Perform a task in a process of this Dask worker, and return how it ended."""
    ended: list[Event] = []
    perform_lasting(_in_process, [task], ended.append)
    return ended[0] if ended else {"event": "cancelled", "cell": task["name"], "reason": "the study was cancelled"}


def _in_process(tasks: Sequence[Task], emit: Emit) -> None:
    """Perform one task in a process that is idle, or in a new one; emit how it ended."""
    (task,) = tasks
    process = _process(task)
    is_idle = False
    try:
        while not is_idle:
            try:
                _, event = process.events.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if is_cancelled(task):
                    return
                continue
            if event is None and process.is_lost:
                process = Process(task, queue.Queue())
            elif event is None:
                emit_end(process, event, emit)
                return
            elif event["event"] in ("done", "failed", "held"):
                emit(event)
            is_idle = event is not None and event["event"] == "idle"
        if process.is_ready:
            _idle[task["threads"]].append(process)
    finally:
        if not process.is_ready:
            process.stop()


def _process(task: Task) -> Process:
    """Return a process at work on a task."""
    while _idle[task["threads"]]:
        process = _idle[task["threads"]].pop()
        if process.process.poll() is None:
            process.give(task)
            return process
    events: Events = queue.Queue()
    return Process(task, events)
