"""What the scripts share: small studies, the layout of a store, results that can be compared, tables.

A store is known by its layout alone: ``study.json``, ``cells/<scenario>/<strategy>/seed-<n>-<key8>/`` with
``cell.json``, ``rounds.jsonl``, ``outcome.json`` and ``checkpoint.safetensors``, and
``initial/<scenario>/seed-<n>-<key8>.safetensors``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import albench
from tests.datasets.layouts import torchvision_layout

Cell = tuple[str, str, int]  # scenario without its parameters, strategy, seed
Results = Mapping[Cell, Mapping[str, Any]]

VARYING = {"query_seconds", "train_seconds", "eval_seconds", "peak_memory_bytes"}
STATEFUL = "prediction-flips"
TINY_CIFAR = "cifar100[known=3,novel=2,initial_per_class=1,pool_per_class=3,test_per_class=2]"
COMMAND = [sys.executable, "-m", "albench"]


@contextmanager
def work_folder(name: str) -> Iterator[Path]:
    """Give a temporary folder with a tiny CIFAR-100 and a cache of its own, for this process and those it starts."""
    with tempfile.TemporaryDirectory(prefix=f"albench-{name}-") as folder:
        root = Path(folder)
        os.environ["ALBENCH_DATA"] = str(torchvision_layout(root / "data"))
        os.environ["ALBENCH_OFFLINE"] = "1"
        os.environ["XDG_CACHE_HOME"] = str(root / "cache")
        yield root


def albench_process(words: Sequence[object], prefix: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
    """Start the command line in a process group of its own; its output goes to pipes unless `options` say else."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [*prefix, *COMMAND, *map(str, words)]
    return subprocess.Popen(command, text=True, start_new_session=True, **{**pipes, **options})


def clock(minutes: str) -> tuple[str, ...]:
    """Return the words that start a command under another clock; they want Debian's `faketime`."""
    path = os.pathsep.join([str(Path(__file__).parent / "awake"), *filter(None, [os.environ.get("PYTHONPATH")])])
    plain = ("NO_FAKE_STAT=1", "FAKETIME_DONT_FAKE_MONOTONIC=1")
    return "env", f"PYTHONPATH={path}", *plain, "faketime", f"{minutes} minutes"


def run_albench(*words: object) -> str:
    """Run the command line to its end and return what it printed; RuntimeError with its errors when it fails."""
    process = albench_process(words)
    out, err = process.communicate()
    if process.returncode:
        raise RuntimeError(f"albench {' '.join(map(str, words))} ended with {process.returncode}: {err}")
    return out


def cell_of(path: Path) -> Cell:
    """Return the cell that a file of a store belongs to; an initial network's has no strategy."""
    parts = path.parts
    if "cells" in parts:
        scenario, strategy, folder = parts[parts.index("cells") + 1 :][:3]
    else:
        scenario, folder = parts[parts.index("initial") + 1 :][:2]
        strategy = ""
    return scenario.partition("[")[0], strategy, int(folder.split("-")[1])


def results(store: Path) -> Results:
    """Return what a store says of each cell that is done, without what varies from run to run.

    The frame is what `albench.load` gives; outcomes reach users through reports, which are made from `collect`.
    """
    from albench.store.results import collect

    found: dict[Cell, dict[str, Any]] = {}
    for row in _records(albench.load(store).drop(columns=list(VARYING))):
        found.setdefault(_cell(row), {"rounds": [], "outcome": None})["rounds"].append(_plain(row))
    for outcome in collect(store).outcomes:
        kept = {name: outcome[name] for name in ("round", "classes", "n_known", "confusion")}
        found.setdefault(_cell(outcome), {"rounds": [], "outcome": None})["outcome"] = _plain(kept)
    return found


def tensors(store: Path) -> dict[tuple[str, Cell], dict[str, bytes]]:
    """Return the bits of every checkpoint and initial network that can be read."""
    from safetensors import SafetensorError, safe_open

    found = {}
    for path in [*store.glob("cells/*/*/*/checkpoint.safetensors"), *store.glob("initial/*/*.safetensors")]:
        try:
            with safe_open(path, framework="np") as file:
                names = sorted(file.keys())
                bits = {name: file.get_tensor(name).tobytes() for name in names}
        except SafetensorError:
            continue
        found[path.stem if path.parent.parent.name != "initial" else "initial", cell_of(path)] = bits
    return found


def _records(frame: Any) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _cell(row: Mapping[str, Any]) -> Cell:
    return str(row["scenario"]).partition("[")[0], str(row["strategy"]), int(row["seed"])


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=lambda one: one.tolist() if hasattr(one, "tolist") else str(one))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a header, the first column to the left and the others to the right."""
    lines = [list(header), *[[str(value) for value in row] for row in rows]]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
    for first, *others in lines:
        cells = [value.rjust(width) for value, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]), flush=True)


class Faults:
    """What a script has found; each is printed at once, so that a long run that is stopped has told them."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, *sentences: str) -> None:
        """Print faults and count them."""
        for sentence in sentences:
            print(f"FAULT: {sentence}", flush=True)
            self.count += 1

    def conclude(self) -> None:
        """End the script, with 1 if there was a fault."""
        print("no fault" if not self.count else f"{self.count} faults")
        sys.exit(bool(self.count))
