"""One cell on disk: plain files, each whole or absent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.errors import StoreError
from albench.store.claims import live_holder
from albench.store.files import appending, check_schema, read_json, remove_leftovers, write_json, write_text
from albench.store.rows import Row
from albench.store.weights import load_weights, save_weights
from albench.study.spec import SCHEMA, CellSpec

if TYPE_CHECKING:
    from torch import Tensor

_MEMORY = "memory/"  # before the names of a strategy's tensors in a checkpoint; a module's have no slash


@dataclass(frozen=True)
class Checkpoint:
    """A cell as its last round left it. It is the truth: `rounds.jsonl` is repaired from its rows."""

    rows: list[Row]
    labeled: list[int]  # rows of the scenario's images, the initial set first, then in the order of the queries
    classes: list[int]  # the scenario's class of each output of the network
    weights: Mapping[str, Tensor]
    memory: Mapping[str, Any] = field(default_factory=dict)  # what the strategy remembers: tensors and plain values


@dataclass(frozen=True)
class CellStatus:
    """Where a cell stands: done, running, failed or missing, and why."""

    setting: str
    scenario: str
    protocol: str
    learner: str
    network: str
    strategy: str
    seed: int
    status: str
    reason: str
    rounds: int  # rounds recorded, without round 0


class CellFolder:
    """One cell on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.claim = path / "claim"
        self.log = path / "log.txt"

    def info(self) -> dict[str, Any]:
        """Return ``cell.json``, or an empty mapping; StoreError for another schema."""
        info = read_json(self.path / "cell.json") or {}
        check_schema(info, self.path / "cell.json", SCHEMA)
        return dict(info)

    def write_info(self, **changes: Any) -> None:
        """Change entries of ``cell.json``."""
        write_json(self.path / "cell.json", {**self.info(), "schema": SCHEMA, **changes})

    def fail(self, spec: CellSpec, error: str) -> None:
        """Record a failure; what the cell had finished stays."""
        self.write_info(key=spec.key, spec=spec.stored(), status="failed", error=error)

    def outcome(self) -> dict[str, Any] | None:
        """Return what the network made of each test class at the end, None where it was not kept."""
        found = read_json(self.path / "outcome.json")
        return None if found is None else dict(found)

    def write_outcome(self, outcome: Mapping[str, Any]) -> None:
        """Keep what the network made of each test class at the end; see `Loop.outcome`."""
        write_json(self.path / "outcome.json", outcome)

    def rows(self, rounds: int | None = None) -> list[Row]:
        """Return the recorded rounds, at most up to `rounds`; a line cut short by a crash is left out."""
        try:
            lines = (self.path / "rounds.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        try:
            rows = [json.loads(line) for line in lines if line.endswith("\n")]
        except ValueError as error:
            raise StoreError(
                f"{self.path / 'rounds.jsonl'} is damaged ({error}); delete it, and the next run restores it"
            ) from None
        return [row for row in rows if rounds is None or row["round"] <= rounds]

    def save(self, checkpoint: Checkpoint) -> None:
        """Store a round that has just ended: the checkpoint first, which is the truth, then its row."""
        import torch

        tensors = {name: value for name, value in checkpoint.memory.items() if isinstance(value, torch.Tensor)}
        memory = {name: value for name, value in checkpoint.memory.items() if name not in tensors}
        remembered = {f"{_MEMORY}{name}": value for name, value in tensors.items()}
        state = {
            "rows": checkpoint.rows,
            "labeled": checkpoint.labeled,
            "classes": checkpoint.classes,
            "memory": memory,
        }
        save_weights(self.path / "checkpoint.safetensors", {**checkpoint.weights, **remembered}, state)
        with appending(self.path / "rounds.jsonl") as file:
            file.write(_line(checkpoint.rows[-1]))

    def restore(self) -> Checkpoint | None:
        """Return the last checkpoint, None when there is none, and repair ``rounds.jsonl`` from it."""
        path = self.path / "checkpoint.safetensors"
        remove_leftovers(self.path)
        if not path.exists():
            (self.path / "rounds.jsonl").unlink(missing_ok=True)
            return None
        weights, state = load_weights(path)
        text = "".join(_line(row) for row in state["rows"])
        rounds = self.path / "rounds.jsonl"
        if not rounds.exists() or rounds.read_text(encoding="utf-8") != text:
            write_text(rounds, text)
        tensors = {name: weights.pop(name) for name in list(weights) if name.startswith(_MEMORY)}
        memory = {**state.pop("memory", {}), **{name.removeprefix(_MEMORY): value for name, value in tensors.items()}}
        return Checkpoint(weights=weights, memory=memory, **state)

    def status(self, wanted: int | None) -> tuple[str, str, int]:
        """Return (status, reason, rounds) for a study that wants that many rounds (None: until the pool is empty)."""
        info = self.info()
        done = max(0, len(self.rows(wanted)) - 1)
        live = live_holder(self.claim)
        if live:
            return "running", f"held by {live} (if it is gone, delete {self.claim})", done
        if info.get("exhausted") or (wanted is not None and self.rows() and done >= wanted):
            return "done", "", done
        if info.get("status") == "failed":
            return "failed", info["error"], done
        if not info:
            return "missing", "not started", 0
        return (
            "missing",
            f"interrupted or asked for more rounds; {done} rounds are kept and the next run goes on",
            done,
        )


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
