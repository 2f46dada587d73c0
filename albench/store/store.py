"""The folder that holds a study's cells: plain files, each whole or absent.

``study.json`` names the cells that were asked for; ``cells/<scenario>/<strategy>/seed-<n>-<key8>/`` holds one cell;
``initial/<scenario>/seed-<n>-<key8>.safetensors`` the network that the strategies of a seed start from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from albench.errors import StoreError
from albench.store.cell import CellFolder, CellStatus
from albench.store.claims import claimed
from albench.store.files import check_schema, read_json, write_json
from albench.store.rows import check_columns
from albench.study.spec import PARTS, SCHEMA, CellSpec, Setting, folder_name


class Store:
    """The folder of a study."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def study(self) -> dict[str, Any]:
        """Return ``study.json``, or raise StoreError when there is none or it has another schema."""
        path = self.root / "study.json"
        study = read_json(path)
        if study is None:
            raise StoreError(
                f"{self.root} is no store: there is no study.json in it; give the folder that 'albench run' wrote"
            )
        check_schema(study, path, SCHEMA)
        return dict(study)

    def cell(self, scenario: str, strategy: str, seed: int, key: str, **_: Any) -> CellFolder:
        """Return a cell's folder, which need not exist; what else names a cell is in its key."""
        folder = self.root / "cells" / folder_name(scenario) / folder_name(strategy) / f"seed-{seed}-{key[:8]}"
        return CellFolder(folder)

    def cell_of(self, spec: CellSpec) -> CellFolder:
        """Return the folder of a specified cell."""
        return self.cell(spec.setting.scenario.label, spec.strategy.label, spec.seed, spec.key)

    def initial_path(self, spec: CellSpec) -> Path:
        """Return where the initial network of a cell is kept."""
        folder = self.root / "initial" / folder_name(spec.setting.scenario.label)
        return folder / f"seed-{spec.seed}-{spec.initial_key[:8]}.safetensors"

    def check_columns(self, settings: Sequence[Setting]) -> None:
        """Raise RequestError when protocols of these settings, and of those that it has, add columns that do not fit.

        Raises StoreError for a store of another schema.
        """
        old = self.study()["settings"].values() if (self.root / "study.json").exists() else ()
        known: dict[str, str] = {}
        for columns in [setting["columns"] for setting in old] + [dict(s.protocol.build().columns) for s in settings]:
            check_columns(columns, known)
            known |= columns

    def register(
        self, name: str, preset: str, cells: Sequence[CellSpec], rounds: int | None, command: Sequence[str]
    ) -> None:
        """Add cells to those that were asked for, and set how many rounds are wanted of their settings.

        Cells that an earlier version of a component computed are asked for no more; their folders stay.
        """
        path = self.root / "study.json"
        with claimed(self.root / "study.claim", str(path), wait=True):
            old = self.study() if path.exists() else {"settings": {}, "strategies": {}, "cells": []}
            settings = {spec.setting.label: {**_stored(spec.setting), "rounds": rounds} for spec in cells}
            strategies = {spec.strategy.label: spec.strategy.stored() for spec in cells}
            known = {_identity(cell): cell for cell in _still_asked_for(old, settings, strategies)}
            for spec in cells:
                label = {"setting": spec.setting.label, "strategy": spec.strategy.label, "seed": spec.seed}
                known[_identity(label)] = {**label, "key": spec.key}
            commands = [*old.get("commands", []), list(command)]
            study = {
                "schema": SCHEMA,
                "name": old.get("name", name),
                "preset": preset,
                "settings": {**old["settings"], **settings},
                "strategies": {**old["strategies"], **strategies},
                "commands": [command for place, command in enumerate(commands) if command not in commands[:place]],
                "cells": list(known.values()),
            }
            if study != old:
                write_json(path, study)

    def cells(self) -> list[dict[str, Any]]:
        """Return the cells that were asked for: setting and its parts, strategy, seed, key, rounds (wanted)."""
        return named_cells(self.study())

    def statuses(self) -> list[CellStatus]:
        """Return where each cell that was asked for stands."""
        return [CellStatus(**cell_name(cell), **_status(self.cell(**cell), cell["rounds"])) for cell in self.cells()]

    def statuses_of(self, cells: Sequence[CellSpec], rounds: int | None) -> list[CellStatus]:
        """Return where each specified cell stands when that many rounds are wanted."""
        return [CellStatus(**spec.name, **_status(self.cell_of(spec), rounds)) for spec in cells]


def named_cells(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the cells of a ``study.json``, each with the labels of its setting's parts."""
    labels = {
        name: {"setting": name, **{part: setting[part]["label"] for part in PARTS}, "rounds": setting["rounds"]}
        for name, setting in study["settings"].items()
    }
    return [{**labels[cell["setting"]], **cell} for cell in study["cells"]]


def cell_name(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names a cell in frames and statuses."""
    return {name: cell[name] for name in ("setting", *PARTS, "strategy", "seed")}


def _status(folder: CellFolder, rounds: int | None) -> dict[str, Any]:
    return dict(zip(("status", "reason", "rounds"), folder.status(rounds), strict=True))


def _identity(cell: Mapping[str, Any]) -> tuple[str, str, int]:
    return cell["setting"], cell["strategy"], cell["seed"]


def _still_asked_for(
    old: Mapping[str, Any], settings: Mapping[str, Any], strategies: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the cells of a study that no component of the same label, and of another identity, has put aside."""

    def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        return all(one[name] == other[name] for name in ("name", "changed", "version"))

    aside = {label for label, one in strategies.items() if not same(one, old["strategies"].get(label, one))}
    for label, setting in settings.items():
        before = old["settings"].get(label, setting)
        if not all(same(setting[part], before[part]) for part in PARTS):
            aside.add(label)
    return [cell for cell in old["cells"] if not aside & {cell["setting"], cell["strategy"]}]


def _stored(setting: Setting) -> dict[str, Any]:
    """Return a setting as the store keeps it: its parts, and the columns that its protocol adds to a row."""
    parts = {part: choice.stored() for part, choice in setting.parts().items()}
    return {**parts, "columns": dict(setting.protocol.build().columns)}
