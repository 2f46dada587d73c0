"""A copy of the checkout in a temporary folder: mutants live and tests run there and nowhere else."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

SOURCES = (".", "strategies", "datasets", "reports", "examples/albench-example")
PACKAGES = ("albench", "albench_strategies", "albench_datasets", "albench_reports")
MEMORY_BYTES = 12 << 30  # a mutant may ask for anything
STILL_SECONDS, STILL_SHARE = 120, 0.005  # who uses no more of a processor for so long waits for ever
PYTEST = ("pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.mutants.plugin")


@dataclass(frozen=True)
class Copy:
    """The copied checkout, in a folder where other files may lie beside it."""

    root: Path

    def beside(self, name: str) -> Path:
        """Return a file outside the copy that goes with it."""
        return self.root.parent / name

    def pytest(
        self,
        tests: Sequence[str],
        python: Sequence[str] = ("-m",),
        environment: Mapping[str, str] | None = None,
        seconds: float = 3600,
    ) -> tuple[int, str]:
        """Run tests in the copy and return the exit status and the output; the status is negative past a limit.

        `seconds` are of processor time, of each process; all processes that the tests started end with it.
        """
        command = [sys.executable, *python, *PYTEST, f"--basetemp={self.beside('tmp') / 'tests'}", *tests]

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        process = subprocess.Popen(
            command,
            cwd=self.root,
            env={**self.environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=limit,
        )
        used = 0.0
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    out, _ = process.communicate(timeout=STILL_SECONDS)
                    return process.returncode, out
                before, used = used, _processor_seconds(process.pid)
                if used - before < STILL_SHARE * STILL_SECONDS:
                    return -signal.SIGALRM, "it waits for ever"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def environment(self) -> dict[str, str]:
        """Return the environment in which the copy's packages are the ones imported, never from a stale .pyc."""
        path = os.pathsep.join(str(self.root / folder) for folder in SOURCES)
        temporary = str(self.beside("tmp"))
        return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": temporary}


def _processor_seconds(pid: int) -> float:
    """Return what a process, those that it started and those of them that have ended have used."""
    found = 0.0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found += sum(one.cpu_times()[:4])
    return found


@contextmanager
def copied(checkout: Path) -> Iterator[Copy]:
    """Give a copy of what git tracks or would track; RuntimeError where its packages are not those imported."""
    with tempfile.TemporaryDirectory(prefix="albench-mutants-", ignore_cleanup_errors=True) as folder:
        copy = Copy(Path(folder) / "checkout")
        copy.beside("tmp").mkdir()
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            if (checkout / name).is_file():
                (copy.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(checkout / name, copy.root / name)
        asked = f"for name in {PACKAGES}: print(__import__(name).__file__)"
        command = [sys.executable, "-c", asked]
        out = subprocess.run(command, cwd=folder, env=copy.environment(), check=True, capture_output=True, text=True)
        if any(not line.startswith(str(copy.root)) for line in out.stdout.splitlines()):
            raise RuntimeError(f"not the copied packages are imported but {out.stdout}")
        yield copy
