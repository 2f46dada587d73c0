"""Many cells and many processes: what `python -m tests.soak.fleet` and `tests.soak.scale` do at length, in short."""

from __future__ import annotations

from pathlib import Path

import pytest

from albench.store.snapshot import Snapshot
from albench.store.source import CELL, OUTCOME, ROUNDS
from albench.store.store import Store
from tests.conftest import edit_rows
from tests.soak import planned
from tests.soak.common import Faults
from tests.soak.fleet import fleet


@pytest.mark.slow
def test_of_a_fleet_on_one_folder_nobody_runs_a_cell_twice(tmp_path: Path) -> None:
    faults = Faults()
    fleet(tmp_path, members=20, cells=60, rounds=1, faults=faults)
    assert faults.count == 0


def test_finished_cells_are_told_without_taking_their_rows_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned.write(tmp_path, cells=4, strategies=2, rounds=3)
    whole = [vars(one) for one in Store(tmp_path).statuses()]
    assert {(one["status"], one["rounds"]) for one in whole} == {("done", 3)}
    monkeypatch.setattr(Store, "snapshot", lambda *_: Snapshot(damage="it was taken apart"))
    assert [vars(one) for one in Store(tmp_path).statuses()] == whole


@pytest.mark.parametrize("name", [CELL, ROUNDS, OUTCOME])
def test_every_byte_of_a_finished_cell_is_looked_at(name: str, tmp_path: Path) -> None:
    planned.write(tmp_path, cells=1, strategies=1, rounds=1)
    store = Store(tmp_path)
    (path,) = tmp_path.glob(f"cells/*/*/*/{name}")
    content = path.read_bytes()
    for place in range(0, len(content), 41):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert store.statuses()[0].status == "damaged", place
    path.write_bytes(content)
    assert store.statuses()[0].status == "done"


def test_a_finished_cell_of_two_attempts_is_damaged(tmp_path: Path) -> None:
    planned.write(tmp_path, cells=1, strategies=1, rounds=2)
    (path,) = tmp_path.glob(f"cells/*/*/*/{ROUNDS}")
    edit_rows(path, lambda row: row.update(attempt="another") if row["round"] == 1 else None)
    assert Store(tmp_path).statuses()[0].status == "damaged"


def test_of_a_finished_cell_no_more_rounds_are_told_than_are_wanted(tmp_path: Path) -> None:
    planned.write(tmp_path, cells=1, strategies=1, rounds=3)
    store = Store(tmp_path)
    (cell,) = store.cells()
    assert [store.status(cell, wanted)["rounds"] for wanted in (2, 3)] == [2, 3]
