"""Earlier answers: which labelled examples each of them asked for."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from albench.contracts.partly_labeled import PartlyLabeled
from albench.contracts.scenario import Indices
from albench.errors import RequestError, printable, reason
from albench.querying.pool import Pool
from albench.querying.table import file_named


@dataclass(frozen=True)
class Timeline:
    """The rows of the labelled examples by the round that asked for them, those of no earlier answer first."""

    rounds: Sequence[Indices]
    notes: Sequence[str] = ()


def timeline(history: Sequence[str | Path], data: PartlyLabeled, pool: Pool) -> Timeline:
    """Return what earlier answers, the oldest first, have brought; RequestError for what is no answer.

    An answer of which nothing is labelled counts as none.
    """
    answers = [read_answer(Path(path)) for path in history]
    finder = _Finder(data, pool)
    taken: set[int] = set()
    rounds: list[Indices] = []
    notes: list[str] = []
    for path, asked in zip(history, answers, strict=True):
        rows = [row for name in asked if (row := finder.row(name)) is not None and row not in taken]
        rows = list(dict.fromkeys(rows))
        taken.update(rows)
        if rows:
            rounds.append(np.array(rows, dtype=np.int64))
        if len(rows) < len(asked):
            notes.append(f"{len(rows)} of the {len(asked)} files that {path} asks for are labelled now")
    initial = np.array([row for row in range(len(data.labeled.labels)) if row not in taken], dtype=np.int64)
    if rounds and len(np.unique(data.labeled.labels[initial])) < 2:
        raise RequestError(
            "without the files that --history asks for, fewer than two classes are labelled, so that there is no "
            "network to begin with; leave out the first answer"
        )
    return Timeline([initial, *rounds], notes)


def read_answer(path: Path) -> list[str]:
    """Return the files that an answer asks for, the most wanted first; RequestError for what is no answer."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # a spreadsheet may have saved it
            table = csv.DictReader(file, strict=True)
            missing = [name for name in ("rank", "file") if name not in (table.fieldnames or ())]
            ranked = [] if missing else sorted(table, key=lambda row: int(row["rank"]))
            asked = [file_named(row["file"]) for row in ranked]
    except (OSError, ValueError, TypeError, AttributeError, csv.Error) as error:
        raise RequestError(f"{path} is no answer of albench query ({reason(error)}); give a CSV file of its") from None
    if missing:
        raise RequestError(f"{path} is no answer of albench query: it has no column {missing[0]!r}")
    return asked


class _Finder:
    """Finds the labelled example that a file has become: by its content while it lies in the pool, else by its name."""

    def __init__(self, data: PartlyLabeled, pool: Pool) -> None:
        assert data.labeled.files is not None
        self.unlabeled = dict(zip(map(printable, data.files), pool.hashes, strict=True))
        self.by_content = dict(zip(pool.labeled_hashes, range(len(pool.labeled_hashes)), strict=True))
        self.by_name: dict[str, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
        for row, file in enumerate(data.labeled.files):
            parts = PurePosixPath(printable(file)).parts
            self.by_name[parts[-1]].append((row, parts))

    def row(self, asked: str) -> int | None:
        """Return the row of the labelled example, None where there is none, or more than one it could be."""
        if asked in self.unlabeled:
            return self.by_content.get(self.unlabeled[asked])
        parts = PurePosixPath(asked).parts
        named = [(_common_end(parts, own), row) for row, own in self.by_name.get(parts[-1] if parts else "", [])]
        best = max((length for length, _ in named), default=0)
        rows = [row for length, row in named if length == best]
        return rows[0] if len(rows) == 1 else None


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many parts two paths have in common, counted from their ends."""
    length = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        length += 1
    return length
