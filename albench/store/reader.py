"""Reading a store, whether it is a folder or an archive."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from albench.errors import TIMED_OUT, DamageError, StoreError, StoreWarning
from albench.store.record import read_record, read_study, rebuilt_study
from albench.store.snapshot import Snapshot, read_snapshot
from albench.store.source import CELL, FILE, STUDY, Source
from albench.store.standing import finished_rounds
from albench.study.spec import PARTS, folder_name

STATUS = ("status", "reason", "rounds")  # in the order of `Snapshot.status`


@dataclass(frozen=True)
class CellStatus:
    """Where a cell stands: done, running, failed, damaged or missing, and why."""

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

    @property
    def ran_out_of_time(self) -> bool:
        """Whether it failed for a limit of time, so that it may go on from there."""
        return self.status == "failed" and self.reason.startswith(TIMED_OUT)


class StoreReader:
    """What a store holds. Nothing that stands in it is imported, run, or followed as a path."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.source.path.name

    @property
    def study(self) -> dict[str, Any]:
        """What was asked for. Raises StoreError when there is no study, and when it has another schema."""
        if self.found_study is None:
            raise StoreError(
                f"{self.source.path} is no store: there is no study.json in it; give the folder that 'albench run' "
                "wrote, or an archive of one"
            )
        return self.found_study

    @cached_property
    def found_study(self) -> dict[str, Any] | None:
        """``study.json``, or where that is lost or damaged, what the cells tell, with a warning; None where none do.

        Raises StoreError when it has another schema.
        """
        where = self.source.where(STUDY)
        try:
            data = self.source.read(STUDY)
            if data is not None:
                return read_study(data, where)
            damage = "is missing"
        except DamageError as error:
            damage = f"is damaged ({error})"
        records = self._records()
        if records or damage != "is missing":
            self._warn(
                f"{where} {damage}; what was asked for is put together from {len(records)} cells, so that cells which "
                "had not begun are unknown; run the study again, which writes it anew"
            )
        return rebuilt_study(records) if records else None

    def cells(self) -> list[dict[str, Any]]:
        """Return the cells that were asked for: setting and its parts, strategy, seed, key, rounds (wanted)."""
        labels = {
            name: {"setting": name, **{part: setting[part]["label"] for part in PARTS}, "rounds": setting["rounds"]}
            for name, setting in self.study["settings"].items()
        }
        return [{**labels[cell["setting"]], **cell} for cell in self.study["cells"]]

    def snapshot(self, cell: Mapping[str, Any]) -> Snapshot:
        """Return what the files of a cell hold now."""
        return read_snapshot(self.source, cell_path(**cell), cell)

    def record(self, cell: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a cell says of itself, nothing where it has not begun or is damaged."""
        name = f"{cell_path(**cell)}/{CELL}"
        try:
            data = self.source.read(name)
            return {} if data is None else read_record(data, cell["key"], self.source.where(name))
        except StoreError:
            return {}

    def snapshots(self) -> list[tuple[dict[str, Any], Snapshot]]:
        """Return each cell that was asked for and what its files hold; damaged ones are named in a warning each."""
        return list(self.each_snapshot())

    def each_snapshot(self) -> Iterator[tuple[dict[str, Any], Snapshot]]:
        """Yield what `snapshots` returns, one cell after the other."""
        yield from ((cell, self.told_snapshot(cell)) for cell in self.cells())

    def told_snapshot(self, cell: Mapping[str, Any]) -> Snapshot:
        """Return what `snapshot` returns, and warn where the cell is damaged."""
        snapshot = self.snapshot(cell)
        if snapshot.damage:
            self._warn(f"{in_words(cell)} is damaged and left out: {snapshot.damage}")
        return snapshot

    def statuses(self) -> list[CellStatus]:
        """Return where each cell that was asked for stands."""
        return [CellStatus(**cell_name(cell), **self.status(cell, cell["rounds"])) for cell in self.cells()]

    def status(self, cell: Mapping[str, Any], rounds: int | None) -> dict[str, Any]:
        """Return status, reason and rounds of a cell of which so many rounds are wanted."""
        finished = finished_rounds(self.source, cell_path(**cell), cell["key"], rounds)
        if finished is not None:
            return dict(zip(STATUS, ("done", "", finished), strict=True))
        found = self.status_of(cell, self.snapshot(cell), rounds)
        return dict(zip(STATUS, found, strict=True))

    def status_of(self, cell: Mapping[str, Any], snapshot: Snapshot, rounds: int | None) -> tuple[str, str, int]:
        """Return status, reason and rounds of a cell whose files were read; who holds it is asked now."""
        found = snapshot.status(rounds)
        held = "" if found[0] == "done" else self.held(cell)
        return ("running", held, found[2]) if held else found

    def held(self, cell: Mapping[str, Any]) -> str:  # noqa: ARG002 - nobody works in an archive
        """Return in words who works on a cell, "" where nobody does."""
        return ""

    def kept(self) -> list[tuple[dict[str, Any], Snapshot]]:
        """Return the cells by other code of a component that have rounds, and that nobody asks for now."""
        return self.with_rounds(self.kept_cells())

    def kept_cells(self) -> list[dict[str, Any]]:
        """Return the cells by other code of a component, whether they have begun or not."""
        settings = self.study["settings"]
        known = [cell for cell in self.study["kept"] if cell["setting"] in settings]
        return [{**one, "scenario": settings[one["setting"]]["scenario"]["label"]} for one in known]

    def with_rounds(self, cells: Iterable[dict[str, Any]]) -> list[tuple[dict[str, Any], Snapshot]]:
        """Return those of some cells that have rounds, each with what its files hold."""
        found = ((cell, self.snapshot(cell)) for cell in cells)
        return [(cell, snapshot) for cell, snapshot in found if snapshot.rows]

    def _records(self) -> list[dict[str, Any]]:
        """Return what every cell that is there says of itself, damaged ones left out."""
        found = []
        for name in sorted(self.source.names()):
            match = FILE.fullmatch(name)
            if match and match["name"] == CELL:
                try:
                    data = self.source.read(name) or b""
                    record = read_record(data, None, self.source.where(name))
                except StoreError:
                    continue
                found.append(record)
        return found

    def _warn(self, text: str) -> None:
        warnings.warn(text, StoreWarning, stacklevel=2)


def cell_path(scenario: str, strategy: str, seed: int, key: str, **_: Any) -> str:
    """Return the folder of a cell in a store; what else names a cell is in its key."""
    return f"cells/{folder_name(scenario)}/{folder_name(strategy)}/seed-{seed}-{key[:8]}"


def cell_name(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names a cell in frames and statuses."""
    return {name: cell[name] for name in ("setting", *PARTS, "strategy", "seed")}


def in_words(cell: Mapping[str, Any]) -> str:
    """Return what a message calls a cell: setting / strategy / seed."""
    return f"{cell['setting']} / {cell['strategy']} / seed {cell['seed']}"
