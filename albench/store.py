"""The folder that holds a study's cells: plain files, each whole or absent.

``study.json`` names the cells that were asked for; ``cells/<scenario>/<strategy>/seed-<n>-<key8>/`` holds one cell;
``initial/<scenario>/seed-<n>-<key8>.safetensors`` the network that the strategies of a seed start from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from albench.cell import CellFolder, CellStatus
from albench.claims import claimed
from albench.errors import StoreError
from albench.files import check_schema, read_json, write_json
from albench.spec import SCHEMA, CellSpec, folder_name


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

    def cell(self, scenario: str, strategy: str, seed: int, key: str) -> CellFolder:
        """Return a cell's folder, which need not exist."""
        folder = self.root / "cells" / folder_name(scenario) / folder_name(strategy) / f"seed-{seed}-{key[:8]}"
        return CellFolder(folder)

    def cell_of(self, spec: CellSpec) -> CellFolder:
        """Return the folder of a specified cell."""
        return self.cell(spec.scenario.label, spec.strategy.label, spec.seed, spec.key)

    def initial_path(self, spec: CellSpec) -> Path:
        """Return where the initial network of a cell is kept."""
        folder = self.root / "initial" / folder_name(spec.scenario.label)
        return folder / f"seed-{spec.seed}-{spec.initial_key[:8]}.safetensors"

    def register(self, name: str, preset: str, cells: Sequence[CellSpec], command: Sequence[str]) -> None:
        """Add cells to the study, which must be under the same protocol and network, `rounds` aside.

        Raises StoreError that says in what they differ.
        """
        path = self.root / "study.json"
        with claimed(self.root / "study.claim", str(path), wait=True):
            old = self.study() if path.exists() else {}
            self.check_same_study(cells)
            first = cells[0]
            known = {_identity(cell): cell for cell in old.get("cells", [])}
            for spec in cells:
                cell = {
                    "scenario": spec.scenario.label,
                    "strategy": spec.strategy.label,
                    "seed": spec.seed,
                    "key": spec.key,
                }
                known[_identity(cell)] = cell
            scenarios = {**old.get("scenarios", {}), **{c.scenario.label: asdict(c.scenario) for c in cells}}
            strategies = {
                **old.get("strategies", {}),
                **{c.strategy.label: asdict(c.strategy) for c in cells},
            }
            commands = [*old.get("commands", []), list(command)]
            study = {
                "schema": SCHEMA,
                "name": old.get("name", name),
                "preset": preset,
                "protocol": asdict(first.protocol),
                "network": asdict(first.network),
                "scenarios": scenarios,
                "strategies": strategies,
                "commands": [command for place, command in enumerate(commands) if command not in commands[:place]],
                "cells": list(known.values()),
            }
            if study != old:
                write_json(path, study)

    def check_same_study(self, cells: Sequence[CellSpec]) -> None:
        """Raise StoreError when the folder holds a study under another protocol or network."""
        if not cells or not (self.root / "study.json").exists():
            return
        old = self.study()
        differences = _differences(old["protocol"], asdict(cells[0].protocol))
        if old["network"]["label"] != cells[0].network.label:
            differences.append(f"network ({old['network']['label']} there, {cells[0].network.label} here)")
        if differences:
            raise StoreError(
                f"{self.root} holds a study under another protocol: {', '.join(differences)}; "
                "choose another folder with --store"
            )

    def cells(self) -> list[dict[str, Any]]:
        """Return the cells that were asked for: scenario, strategy, seed, key."""
        return list(self.study()["cells"])

    def statuses(self) -> list[CellStatus]:
        """Return where each cell that was asked for stands."""
        study = self.study()
        wanted = study["protocol"]["rounds"]
        return [
            CellStatus(c["scenario"], c["strategy"], c["seed"], *self.cell(**c).status(wanted)) for c in study["cells"]
        ]


def _identity(cell: Mapping[str, Any]) -> tuple[str, str, int]:
    return cell["scenario"], cell["strategy"], cell["seed"]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], ignored: Iterable[str] = ("rounds",)) -> list[str]:
    return [
        f"{name} ({old.get(name)} there, {new[name]} here)"
        for name in new
        if name not in ignored and old.get(name) != new[name]
    ]
