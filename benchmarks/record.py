"""Benchmarks with a memory: one file per kind of machine and commit under benchmarks/results, and what moved since.

python -m benchmarks.record       say what moved between the newest two files of the newest one's kind of machine;
                                  exit 1 where a remembered ratio lost more than 20 %
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.table import HIGHER

RESULTS = Path(__file__).parent / "results"
ALLOWED = 0.2  # of a ratio, that may be lost: less is noise on a shared machine
WORTH_SAYING = 0.05
COMMIT = 12  # digits of a commit in a file's name

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Move:
    """A remembered ratio in two records. `loss` is the share by which it got worse, below 0 where it got better."""

    title: str
    row: str
    column: str
    before: float
    after: float
    loss: float

    def __str__(self) -> str:
        word = "LOST" if self.loss > ALLOWED else "worse" if self.loss > 0 else "better"
        return (
            f"{word:6} {abs(self.loss):7.1%}  {self.title}: {self.row}: {self.column} "
            f"{self.before:.4g} -> {self.after:.4g}"
        )


def machine() -> dict[str, Any]:
    """Return what is to be known of where benchmarks ran."""
    import torch

    from albench.processor import BF16, LADDER, processor
    from albench.running.provenance import git_state, now

    here = processor()
    state = git_state(Path(__file__).parent.parent / "albench") or {"commit": "unknown", "dirty": False}
    return {
        "kind": here.generation,  # generations differ in what is fast
        "processor": here.name,
        "vendor": here.vendor,
        "family": here.family,
        "model": here.model,
        "instructions": sorted(here.flags & {*LADDER, *BF16}),
        "threads": 1,
        "torch": torch.__version__,
        "date": now(),
        **state,
    }


def write(machine: Mapping[str, Any], tables: Tables, folder: Path = RESULTS) -> Path:
    """Write the rows of a run, and return the file's path; tables that a file of the same name has besides stay."""
    path = folder / f"{slug(machine['kind'])}-{machine['commit'][:COMMIT]}.json"
    known = json.loads(path.read_text(encoding="utf-8"))["tables"] if path.exists() else {}
    record = {**machine, "tables": {**known, **tables}}
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1, default=_plain) + "\n", encoding="utf-8")
    return path


def _plain(value: Any) -> Any:
    """Return a number of numpy or torch as Python's, and anything else in words."""
    return value.item() if hasattr(value, "item") else str(value)


def slug(text: str) -> str:
    """Return a text as the part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def read(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the records of processors, the oldest first; those of GPUs are `benchmarks/gpu.py`'s own."""
    files = [path for path in sorted(folder.glob("*.json")) if not path.name.startswith("gpu-")]
    return sorted((json.loads(path.read_text(encoding="utf-8")) for path in files), key=lambda one: one["date"])


def latest(records: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return, by the title of each table, the newest record that has it: a run may measure a part."""
    return {title: one for one in records for title in one["tables"]}


def moves(before: Tables, after: Tables) -> list[Move]:
    """Return how each ratio moved that both remember, the greatest loss first."""
    old, found = dict(_remembered(before)), []
    for key, (value, better) in _remembered(after):
        if key in old and old[key][0]:
            change = value / old[key][0] - 1
            found.append(Move(*key, old[key][0], value, -change if better == HIGHER else change))
    return sorted(found, key=lambda move: -move.loss)


def missing(before: Tables, after: Tables) -> list[str]:
    """Return the ratios that only the earlier record has."""
    new = dict(_remembered(after))
    return [": ".join(key) for key, _ in _remembered(before) if key not in new]


def compare(folder: Path = RESULTS) -> tuple[list[str], bool]:
    """Return in lines what moved between the newest record and those before it of its kind; whether all is well.

    Each of its tables is compared with the last one of that title.
    """
    records = read(folder)
    if not records:
        return [f"no records in {folder}; make bench writes one"], True
    newest = records[-1]
    earlier = [one for one in records[:-1] if one["kind"] == newest["kind"]]
    if not earlier:
        return [f"the record of {_of(newest)} is the only one of its kind of machine: nothing to compare it with"], True
    before = {title: one["tables"][title] for title, one in latest(earlier).items()}
    found, lost = moves(before, newest["tables"]), missing(before, newest["tables"])
    worth = [move for move in found if abs(move.loss) > WORTH_SAYING]
    return [
        f"{newest['kind']}: {_of(earlier[-1])} -> {_of(newest)}",
        *map(str, worth),
        f"{len(found) - len(worth)} of {len(found)} ratios moved by at most {WORTH_SAYING:.0%}",
        *(f"missing: {name}" for name in lost),
    ], not any(move.loss > ALLOWED for move in found)


def _remembered(tables: Tables) -> Iterator[tuple[tuple[str, str, str], tuple[float, str]]]:
    """Yield title, row and column of each ratio with its value and which way it gets better."""
    for title, rows in tables.items():
        for row in rows:
            for column, better in row["better"].items():
                value = row["cells"][column]
                if value is not None and math.isfinite(value):
                    yield (title, row["name"], column), (value, better)


def _of(record: Mapping[str, Any]) -> str:
    return f"{record['commit'][:COMMIT]} of {record['date'][:10]}"


def main() -> None:
    """Print what moved."""
    lines, well = compare()
    print("\n".join(lines))
    if not well:
        sys.exit(1)


if __name__ == "__main__":
    main()
