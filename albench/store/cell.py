"""One cell on disk, and writing it: by who holds its lease alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.errors import DamageError, StoreError
from albench.store.files import appending, remove_leftovers, write_bytes
from albench.store.leases import Lease, leased
from albench.store.record import read_record
from albench.store.rows import KEY, Row, read_rows, write_rows
from albench.store.sealed import seal
from albench.store.shapes import CheckpointShape, check_shape
from albench.store.source import CELL, CHECKPOINT, OUTCOME, ROUNDS
from albench.store.weights import load_weights, packed
from albench.study.spec import HARNESS_RESULTS_VERSION, SCHEMA, CellSpec

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
class CellFolder:
    """Where a cell is on disk."""

    path: Path
    key: str

    @property
    def claim(self) -> Path:
        """The file of its lease."""
        return self.path / "claim"

    @property
    def log(self) -> Path:
        """What its strategy prints."""
        return self.path / "log.txt"

    @contextmanager
    def owned(self, what: object) -> Iterator[OwnedCell]:
        """Hold the cell's lease for the length of a block; HeldError when another has it."""
        with leased(self.claim, str(what)) as lease:
            remove_leftovers(self.path)  # a former holder that wakes up finds nothing that it could put in place
            yield OwnedCell(self, lease)


@dataclass(frozen=True)
class OwnedCell:
    """A cell whose lease this process holds: the only way to write it.

    Everything it writes is whole or absent, and written only while the lease is its own; LostError when it is not.
    """

    folder: CellFolder
    lease: Lease

    def record(self) -> dict[str, Any]:
        """Return ``cell.json``; empty where it is absent or does not hold, since what it says can be written anew."""
        path = self.folder.path / CELL
        try:
            return read_record(path.read_bytes(), self.folder.key, str(path))
        except (OSError, StoreError):
            return {}

    def write_record(self, **changes: Any) -> None:
        """Change members of ``cell.json``."""
        fixed = {"schema": SCHEMA, "key": self.folder.key, "harness": HARNESS_RESULTS_VERSION}
        self._write(CELL, seal({**self.record(), **fixed, **changes}, indent=1))

    def fail(self, spec: CellSpec, request: Mapping[str, Any], error: str, status: str = "failed") -> None:
        """Record a failure; what the cell had finished stays."""
        whole = {"exhausted": False, **self.record()}
        self.write_record(**{**whole, "spec": spec.stored(), "request": request, "status": status, "error": error})

    def write_outcome(self, outcome: Mapping[str, Any]) -> None:
        """Keep what the network made of each test class at the end; see `Loop.outcome`."""
        self._write(OUTCOME, seal({"cell": self.folder.key[:KEY], **outcome}, indent=1))

    def write_rounds(self, rows: Sequence[Row]) -> None:
        """Replace the recorded rounds."""
        self._write(ROUNDS, write_rows(rows, self.folder.key, self.lease.token))

    def save(self, checkpoint: Checkpoint) -> None:
        """Store a round that has just ended: the checkpoint first, which is the truth, then the rows."""
        import torch

        tensors = {name: value for name, value in checkpoint.memory.items() if isinstance(value, torch.Tensor)}
        state = {
            "key": self.folder.key,
            "attempt": self.lease.token,
            "rows": checkpoint.rows,
            "labeled": checkpoint.labeled,
            "classes": checkpoint.classes,
            "memory": {name: value for name, value in checkpoint.memory.items() if name not in tensors},
        }
        remembered = {f"{_MEMORY}{name}": value for name, value in tensors.items()}
        self._write(CHECKPOINT, packed({**checkpoint.weights, **remembered}, state))
        self.write_rounds(checkpoint.rows)

    def restore(self) -> Checkpoint | None:
        """Return the last checkpoint, None when the cell has not begun, and repair ``rounds.jsonl`` from it.

        Raises DamageError for a checkpoint that does not hold, and StoreError for rounds that have none, as those of an
        archive without weights: they can be read for ever, and are never started over.
        """
        checkpoint = read_checkpoint(self.folder)
        if len(checkpoint.rows if checkpoint else ()) < self._rounds_that_hold():
            raise StoreError(
                f"{self.folder.path} has rounds and no checkpoint of them, as in an archive without weights: they can "
                "be read, and no more can be added; to compute the cell anew, delete that folder"
            )
        if checkpoint is not None:
            self.write_rounds(checkpoint.rows)
        return checkpoint

    def take(self, files: Mapping[str, bytes | None]) -> None:
        """Replace files by those of a copy of this cell, in their order; one that the copy has not goes."""
        for name, data in files.items():
            if data is not None:
                self._write(name, data)
            else:
                self.lease.check()
                self._path(name).unlink(missing_ok=True)

    def log(self, text: str) -> None:
        """Add to the cell's log."""
        with appending(self.folder.log) as file:
            file.write(text)

    def _rounds_that_hold(self) -> int:
        """Return how many rows are recorded, round 0 included; those of a damaged file count as one."""
        try:
            return len(read_rows(self._path(ROUNDS).read_bytes(), self.folder.key))
        except FileNotFoundError:
            return 0
        except (OSError, DamageError):
            return 1

    def _path(self, name: str) -> Path:
        return self.folder.path / name

    def _write(self, name: str, data: bytes) -> None:
        write_bytes(self._path(name), data, self.lease.check)


def read_checkpoint(folder: CellFolder) -> Checkpoint | None:
    """Return a cell's checkpoint, None where there is none; DamageError where it does not hold, or is another's."""
    path = folder.path / CHECKPOINT
    try:
        return parsed_checkpoint(path.read_bytes(), folder.key)
    except FileNotFoundError:
        return None
    except (OSError, DamageError) as error:
        raise DamageError(
            f"{path} is damaged ({error}), so that the cell cannot go on from it; to compute the cell anew, delete its "
            "folder"
        ) from None


def parsed_checkpoint(data: bytes, key: str) -> Checkpoint:
    """Return the checkpoint of the cell of a key from its file's content; DamageError as above."""
    weights, state = load_weights(data)
    if state.get("key") != key:
        raise DamageError("it is another cell's")
    check_shape(CheckpointShape, state)
    rows = read_rows(write_rows(state["rows"], key, state["attempt"]), key)
    tensors = {name: weights.pop(name) for name in list(weights) if name.startswith(_MEMORY)}
    memory = {**state["memory"], **{name.removeprefix(_MEMORY): value for name, value in tensors.items()}}
    return Checkpoint(rows, state["labeled"], state["classes"], weights, memory)
