"""Large stores in little time: the files of `Synthetic`, written without leases and without waiting for the disk.

python -m benchmarks.stores FOLDER CELLS [STRATEGIES [ROUNDS]]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from albench.store.cell import OwnedCell
from albench.store.leases import UNKNOWN, Lease
from albench.store.store import Store
from albench.study.spec import CellSpec
from tests.reports.synthetic import Synthetic


@dataclass(frozen=True)
class Unleased(OwnedCell):
    """A new cell's folder that nobody else writes to."""

    def record(self) -> dict[str, Any]:
        return {}

    def _write(self, name: str, data: bytes) -> None:
        self.folder.path.mkdir(parents=True, exist_ok=True)
        (self.folder.path / name).write_bytes(data)


class Quick(Synthetic):
    @contextmanager
    def _owned(self, store: Store, spec: CellSpec) -> Iterator[OwnedCell]:
        folder = store.cell_of(spec)
        yield Unleased(folder, Lease(folder.claim, "", replace(UNKNOWN, token="benchmark")))


def write(root: Path, cells: int, strategies: int = 10, rounds: int = 20) -> Path:
    """Write a store of so many cells, the strategy `random` among them."""
    effects = {"random" if not place else f"strategy-{place}": 0.001 * place for place in range(strategies)}
    return Quick(effects=effects, seeds=range(-(-cells // strategies)), rounds=rounds).write(root)


if __name__ == "__main__":
    write(Path(sys.argv[1]), *map(int, sys.argv[2:]))
