"""Real clusters on this machine for tests: Dask's scheduler and workers, each a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 300  # of a loaded machine; nothing waits so long where all is well


def wait_until(true: Callable[[], object], what: str) -> None:
    """Wait until something holds; whoever waits in vain hears for what."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class DaskCluster:
    """A scheduler and workers, without nannies, so that one that is killed stays dead."""

    folder: Path
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        process = self._start("distributed.cli.dask_scheduler", *words)
        wait_until(self._answers, "the scheduler answers")
        return process

    def start_worker(self, name: str, *words: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        options = ["--no-nanny", "--no-dashboard", "--nthreads", "1", "--name", name, "--death-timeout", "60"]
        return self._start("distributed.cli.dask_worker", self.address, *options, *words, env=env)

    def _start(self, module: str, *words: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / "dask.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **(env or {})},
            )
        self.processes.append(process)
        return process

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


@contextmanager
def dask_cluster(folder: Path) -> Iterator[DaskCluster]:
    """Give a cluster with a scheduler and no worker; all of its processes end with the block."""
    folder.mkdir(exist_ok=True)
    cluster = DaskCluster(folder)
    cluster.start_scheduler()
    try:
        yield cluster
    finally:
        for process in cluster.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
