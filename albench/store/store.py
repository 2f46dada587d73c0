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

    def register(
        self, name: str, preset: str, cells: Sequence[CellSpec], rounds: int | None, command: Sequence[str]
    ) -> None:
        """Add cells to those that were asked for, each with the number of rounds that is wanted of it."""
        path = self.root / "study.json"
        with claimed(self.root / "study.claim", str(path), wait=True):
            old = self.study() if path.exists() else {}
            known = {_identity(cell): cell for cell in old.get("cells", [])}
            for spec in cells:
                cell = {
                    "setting": spec.setting.label,
                    "strategy": spec.strategy.label,
                    "seed": spec.seed,
                    "key": spec.key,
                    "rounds": rounds,
                }
                known[_identity(cell)] = cell
            settings = {spec.setting.label: spec.setting for spec in cells}
            commands = [*old.get("commands", []), list(command)]
            study = {
                "schema": SCHEMA,
                "name": old.get("name", name),
                "preset": preset,
                "settings": {
                    **old.get("settings", {}),
                    **{label: _stored(setting) for label, setting in settings.items()},
                },
                "strategies": {
                    **old.get("strategies", {}),
                    **{spec.strategy.label: spec.strategy.stored() for spec in cells},
                },
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
        name: {"setting": name, **{part: setting[part]["label"] for part in PARTS}}
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


def _stored(setting: Setting) -> dict[str, Any]:
    """Return a setting as the store keeps it: its parts, and the columns that its protocol adds to a row."""
    columns = dict(setting.protocol.build().columns)
    check_columns(columns)
    return {**{part: choice.stored() for part, choice in setting.parts().items()}, "columns": columns}
