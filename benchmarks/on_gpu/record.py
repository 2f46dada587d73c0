"""The file of one call: what every section measured, how long it took, and what was cut."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = 1
LIMIT_SECONDS = 460.0  # for all sections on a GPU: the call stays under eight minutes
DRY_LIMIT_SECONDS = 1800.0
LEAST_SECONDS = 5.0  # a section that has less is not begun
TAIL = 2000  # characters of what a failed section printed
INTERPRETED = {"products", "sweep"}  # in a dry run


@dataclass(frozen=True)
class Section:
    """A part of a call, with the seconds that it may take on a GPU and in a dry run; 0: it is no part of it."""

    name: str
    seconds: float
    dry_seconds: float

    def limit(self, dry: bool) -> float:
        """Return the seconds that it may take."""
        return self.dry_seconds if dry else self.seconds


# The most wanted first; the last one takes what is left.
SECTIONS = (
    Section("device", 60, 120),
    Section("ahead", 0, 900),
    Section("products", 80, 300),
    Section("queries", 80, 300),
    Section("training", 40, 300),
    Section("cells", 80, 400),
    Section("tests", 90, 300),
    Section("sweep", LIMIT_SECONDS, 300),
)


class Record:
    """What is known so far, written anew whenever there is more of it."""

    def __init__(self, output: Path, dry: bool, commit: str, seconds: float | None) -> None:
        self.output, self.dry, self.commit = output, dry, commit
        limit = seconds or (DRY_LIMIT_SECONDS if dry else LIMIT_SECONDS)
        self._start = time.monotonic()
        self._end = self._start + limit
        self.content: dict[str, Any] = {
            "schema": SCHEMA,
            "dry": dry,
            "commit": commit,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "limit_seconds": limit,
            "seconds": 0.0,
            "device": {},
            "sections": {},
        }

    @property
    def path(self) -> Path:
        """The file: the one that was asked for, or named after the device and the commit."""
        if self.output.suffix == ".json":
            return self.output
        name = str(self.content["device"].get("name", "unknown"))
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        return self.output / f"{'dry' if self.dry else 'gpu'}-{slug}-{self.commit}.json"

    @property
    def has_gpu(self) -> bool:
        """Whether the section `device` saw a CUDA device."""
        return bool(self.content["device"].get("capability"))

    @property
    def complete(self) -> bool:
        """Whether every section that was begun came to its end."""
        return all(found["state"] == "done" for found in self.content["sections"].values())

    def sections(self, names: Sequence[str]) -> Iterator[Section]:
        """Yield the sections of this form that were asked for; the device always."""
        for section in SECTIONS:
            if section.limit(self.dry) > 0 and (section.name in names or section.name == "device"):
                yield section

    def run(self, section: Section, root: Path, scratch: Path, env: dict[str, str], configurations: int) -> None:
        """Run a section in its own process until it ends or its time is over; its rows are kept as they come."""
        seconds = min(section.limit(self.dry), self._end - time.monotonic())
        entry: dict[str, Any] = {"state": "cut", "reason": "no time was left", "limit_seconds": max(0.0, seconds)}
        entry |= {"seconds": 0.0, "rows": []}
        self.content["sections"][section.name] = entry
        if seconds < LEAST_SECONDS:
            self.write()
            return
        rows, log = scratch / f"{section.name}.jsonl", scratch / f"{section.name}.log"
        rows.touch()
        command = [sys.executable, "-m", "benchmarks.on_gpu.section", section.name, "--rows", str(rows)]
        command += ["--seconds", f"{seconds:.0f}", "--configurations", str(configurations)]
        command += ["--dry"] if self.dry else []
        if self.dry and section.name in INTERPRETED:
            env = {**env, "TRITON_INTERPRET": "1"}
        start = time.monotonic()
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                command, cwd=root, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                while (code := process.poll()) is None and time.monotonic() - start < seconds:
                    time.sleep(0.2)
                    self._keep(entry, rows, start)
            finally:  # whatever it started ends with it
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._keep(entry, rows, start)
        entry["state"] = "cut" if code is None else ("done" if code == 0 else "failed")
        entry["reason"] = None
        if code is None:
            entry["reason"] = f"its {seconds:.0f} seconds were over"
        elif code != 0:
            entry["reason"] = f"exit code {code}: {log.read_text(encoding='utf-8', errors='replace')[-TAIL:]}"
        self.write()

    def _keep(self, entry: dict[str, Any], rows: Path, start: float) -> None:
        lines = rows.read_text(encoding="utf-8").split("\n")[:-1]  # the last one may be half of a row
        entry["seconds"] = round(time.monotonic() - start, 2)
        if len(lines) == len(entry["rows"]):
            return
        entry["rows"] = [json.loads(line) for line in lines]
        if not self.content["device"]:
            self.content["device"] = entry["rows"][0]
        self.write()

    def write(self) -> None:
        """Write the file, whole or not at all."""
        self.content["seconds"] = round(time.monotonic() - self._start, 2)
        path = self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(_anonymous(json.dumps(self.content, indent=1)) + "\n", encoding="utf-8")
        partial.replace(path)

    def line(self, section: Section) -> str:
        """Return in a line how a section went."""
        found = self.content["sections"][section.name]
        reason = f" ({found['reason'].splitlines()[-1][:150]})" if found["reason"] else ""
        return f"{section.name:10} {found['state']:6} {found['seconds']:6.1f} s  {len(found['rows']):3} rows{reason}"


def _anonymous(text: str) -> str:
    """Shorten paths of this machine, which texts of errors may hold, to their last part."""
    return re.sub(r"/(?:home|root|work|Users|tmp)/(?:[^\s/\"'\\]+/)*", ".../", text)
