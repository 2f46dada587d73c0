"""A study whose cells are made up: planned and registered as any, its cells stored, and nothing trained.

    python -m tests.soak.planned FOLDER --cells 100000

Strategies are streams of `random` on the digits, so that planning, keys and data are real. Rows are those of
`Synthetic`, and a checkpoint holds the weights of a small linear network.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from albench import api
from albench.running.provenance import provenance
from albench.running.work import request_of
from albench.store.cell import Checkpoint, OwnedCell
from albench.store.leases import UNKNOWN, Lease
from albench.store.rows import Row
from albench.store.store import Store
from albench.study.spec import CellSpec
from albench.study.study import Request
from tests.reports.synthetic import Synthetic

STRATEGIES = 10
ROUNDS = 10
PATTERNS = 50  # of rows and outcomes, which seeds share: making them takes longer than storing them
WEIGHTS = {"weight": torch.zeros(10, 64), "bias": torch.zeros(10)}
ASKED = {"name": "quickstart", "preset": "quickstart"}


def plan(store: Path, cells: int, strategies: int = STRATEGIES, rounds: int = ROUNDS) -> api.Plan:
    """Return the plan of at least so many cells, of as many seeds for each of the strategies."""
    request = Request(strategies=_names(strategies), scenarios="digits", seeds=-(-cells // strategies), rounds=rounds)
    return api.plan(request, store)


def words(cells: int) -> list[str]:
    """Return the options of the command line that ask for what `write` stores."""
    seeds, rounds = str(-(-cells // STRATEGIES)), str(ROUNDS)
    return ["--strategies", ",".join(_names(STRATEGIES)), "--scenarios", "digits", "--seeds", seeds, "--rounds", rounds]


def _names(strategies: int) -> list[str]:
    return ["random", *(f"random[stream={place}]" for place in range(1, strategies))]


def register(planned: api.Plan) -> Store:
    """Let the store know what was asked for, as `albench run` does before its first cell."""
    store, study = Store(planned.store), planned.study
    store.register(study.name, study.preset, planned.cells, study.rounds, ["albench", "run"])
    return store


def write(root: Path, cells: int, strategies: int = STRATEGIES, rounds: int = ROUNDS) -> int:
    """Write a store of at least so many finished cells, and return how many it has."""
    planned = plan(root, cells, strategies, rounds)
    store = register(planned)
    for spec in planned.cells:
        folder = store.cell_of(spec)
        owned = Quick(folder, Lease(folder.claim, "", replace(UNKNOWN, token="quick")))
        owned.save(checkpoint(made_up(spec, rounds)))
        finish(owned, spec, rounds)
    return len(planned.cells)


@dataclass(frozen=True)
class Quick(OwnedCell):
    """A new cell's folder that nobody else writes to: without a lease, and without waiting for the disk."""

    def record(self) -> dict[str, Any]:
        return {}

    def _write(self, name: str, data: bytes) -> None:
        self.folder.path.mkdir(parents=True, exist_ok=True)
        self._path(name).write_bytes(data)


def begin(owned: OwnedCell, spec: CellSpec, rounds: int) -> None:
    """Write the record that a cell has from its beginning on."""
    owned.write_record(**_record(spec, rounds), status="running")


def finish(owned: OwnedCell, spec: CellSpec, rounds: int) -> None:
    """Write what a cell ends with."""
    owned.write_outcome(_outcome(spec.seed % PATTERNS, rounds))
    owned.write_record(**_record(spec, rounds), status="done", rounds=rounds)


def checkpoint(rows: list[Row]) -> Checkpoint:
    """Return a checkpoint after some rounds, round 0 included."""
    queried = [index for row in rows[1:] for index in row["query_indices"]]
    return Checkpoint(rows, [*range(10), *queried], [*range(5)], WEIGHTS)


def made_up(spec: CellSpec, rounds: int) -> list[Row]:
    """Return the rows of a cell, round 0 included."""
    name = {part: spec.name[part] for part in ("setting", "scenario", "strategy", "seed")}
    return [{**row, **name} for row in _rows(spec.seed % PATTERNS, rounds)]


def _record(spec: CellSpec, rounds: int) -> dict[str, Any]:
    return {
        "spec": spec.stored(),
        "request": request_of(ASKED, spec, rounds),
        "error": None,
        "exhausted": False,
        "initial_sha256": "0" * 64,
        "provenance": _provenance(),
    }


@cache
def _provenance() -> dict[str, Any]:
    return provenance("cpu", 1, "plain", ["albench", "run"], ["albench"])


@cache
def _rows(pattern: int, rounds: int) -> list[Row]:
    return Synthetic({"random": 0.0}, rounds=rounds)._rows("digits", "random", pattern)


@cache
def _outcome(pattern: int, rounds: int) -> dict[str, Any]:
    return Synthetic({"random": 0.0}, rounds=rounds)._outcome("random", pattern)


def main() -> None:
    """Write a store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--cells", type=int, required=True)
    parser.add_argument("--strategies", type=int, default=STRATEGIES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    print(f"{write(given.store, given.cells, given.strategies, given.rounds)} cells in {given.store}")


if __name__ == "__main__":
    main()
