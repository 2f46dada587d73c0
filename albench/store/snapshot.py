"""One cell as its files had it at one moment: each read once, and verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from albench.errors import MOST_TEXT, DamageError, StoreError, cut
from albench.store.record import name_of, read_outcome, read_record
from albench.store.rows import Row, missing_value, read_rows, wrong_value
from albench.store.source import CELL, OUTCOME, ROUNDS, Source


@dataclass(frozen=True)
class Snapshot:
    """What the files of a cell hold. One that is damaged holds nothing that anybody may use."""

    record: Mapping[str, Any] = field(default_factory=dict)  # cell.json; empty where the cell has not begun
    rows: Sequence[Row] = ()  # from round 0
    outcome: Mapping[str, Any] | None = None
    damage: str = ""  # in words: which file, what is wrong with it, what to do

    def up_to(self, rounds: int | None) -> Sequence[Row]:
        """Return the rows of round 0 and of that many rounds (None: of all)."""
        return self.rows if rounds is None else self.rows[: rounds + 1]

    def is_done(self, wanted: int | None) -> bool:
        """Return whether it has the rounds that a study wants (None: until the pool is empty), and its outcome.

        What ended after the last round, and before its outcome, still has that to do.
        """
        if self.damage or not self.rows:
            return False
        if self.record["status"] != "done" and self._last_outcome() < len(self.up_to(wanted)) - 1:
            return False
        return bool(self.record["exhausted"]) or (wanted is not None and len(self.rows) > wanted)

    def _last_outcome(self) -> int:
        """Return the round of which the outcome was kept, -1 where none was."""
        return -1 if self.outcome is None else int(self.outcome["round"])

    def status(self, wanted: int | None) -> tuple[str, str, int]:
        """Return (status, reason, rounds) for a study that wants that many rounds."""
        done = max(0, len(self.up_to(wanted)) - 1)
        if self.damage:
            return "damaged", self.damage, done
        if self.is_done(wanted):
            return "done", "", done
        if not self.record:
            return "missing", "not started", 0
        if self.record["status"] in ("failed", "damaged"):
            return self.record["status"], cut(self.record["error"] or "", MOST_TEXT), done
        return (
            "missing",
            f"interrupted or asked for more rounds; {done} rounds are kept and the next run goes on",
            done,
        )


def read_snapshot(source: Source, folder: str, cell: Mapping[str, Any]) -> Snapshot:
    """Return what the files of a cell hold (its key, setting, strategy and seed), in that folder of a store."""
    key = cell["key"]
    try:
        record = _read(source, f"{folder}/{CELL}", lambda data, where: read_record(data, key, where)) or {}
        rows = _read(source, f"{folder}/{ROUNDS}", lambda data, _: read_rows(data, key)) or []
        outcome = _read(source, f"{folder}/{OUTCOME}", lambda data, _: read_outcome(data, key))
        if record and name_of(record) != {name: cell[name] for name in ("setting", "strategy", "seed")}:
            raise _damage(source, f"{folder}/{CELL}", "it is of a cell of another name")
        if rows and not record:
            raise _damage(source, f"{folder}/{CELL}", "it is missing")
        wrong = missing_value(rows) or (wrong_value(rows, record["request"]["columns"]) if record else "")
        if wrong:
            raise _damage(source, f"{folder}/{ROUNDS}", wrong)
        if outcome is None and "rounds" in record:
            raise _damage(source, f"{folder}/{OUTCOME}", "it is missing")
        if len(rows) <= record.get("rounds", -1):
            raise _damage(source, f"{folder}/{ROUNDS}", f"it has {len(rows)} lines of {record['rounds'] + 1}")
    except DamageError as error:
        return Snapshot(damage=str(error))
    return Snapshot(record, rows, outcome)


def _read(source: Source, name: str, read: Callable[[bytes, str], Any]) -> Any:
    """Return what a file holds, None where there is none; DamageError with its name and what to do."""
    try:
        data = source.read(name)
        return None if data is None else read(data, source.where(name))
    except DamageError as error:
        raise _damage(source, name, str(error)) from None
    except StoreError as error:  # another schema: this cell alone
        raise DamageError(str(error)) from None


def _damage(source: Source, name: str, what: str) -> DamageError:
    return DamageError(f"{source.where(name)} is damaged ({what}); {source.mend}")
