"""The folder that holds a study's cells: plain files, each whole or absent.

``study.json`` names the cells that were asked for; ``cells/<scenario>/<strategy>/seed-<n>-<key8>/`` holds one cell;
``initial/<scenario>/seed-<n>-<key8>.safetensors`` the network that the strategies of a seed start from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.claims import Holder, claimed, live_holder
from albench.errors import StoreError
from albench.files import read_json, write_json, write_text
from albench.spec import SCHEMA, CellSpec, folder_name
from albench.weights import load_weights, save_weights

if TYPE_CHECKING:
    from torch import Tensor

Row = dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A cell as its last round left it. It is the truth: `rounds.jsonl` is repaired from its rows."""

    rows: list[Row]
    labeled: list[int]  # rows of the scenario's images, the initial set first, then in the order of the queries
    classes: list[int]  # the scenario's class of each output of the network
    weights: Mapping[str, Tensor]


@dataclass(frozen=True)
class CellStatus:
    """Where a cell stands: done, running, failed or missing, and why."""

    scenario: str
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
        check_schema(info, self.path / "cell.json")
        return dict(info)

    def write_info(self, **changes: Any) -> None:
        """Change entries of ``cell.json``."""
        write_json(self.path / "cell.json", {**self.info(), "schema": SCHEMA, **changes})

    def fail(self, spec: CellSpec, error: str) -> None:
        """Record a failure; what the cell had finished stays."""
        self.write_info(key=spec.key, spec=spec.to_json(), status="failed", error=error)

    def outcome(self) -> dict[str, Any] | None:
        """Return what the network made of each test class at the end, None where it was not kept."""
        found = read_json(self.path / "outcome.json")
        return None if found is None else dict(found)

    def write_outcome(self, outcome: Mapping[str, Any]) -> None:
        """Keep what the network made of each test class at the end; see `Discovery.outcome`."""
        write_json(self.path / "outcome.json", outcome)

    def rows(self, rounds: int | None = None) -> list[Row]:
        """Return the recorded rounds, at most up to `rounds`; a line cut short by a crash is left out."""
        try:
            lines = (self.path / "rounds.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        rows = [json.loads(line) for line in lines if line.endswith("\n")]
        return [row for row in rows if rounds is None or row["round"] <= rounds]

    def save(self, checkpoint: Checkpoint) -> None:
        """Store a round that has just ended: the checkpoint first, which is the truth, then its row."""
        state = {"rows": checkpoint.rows, "labeled": checkpoint.labeled, "classes": checkpoint.classes}
        save_weights(self.path / "checkpoint.safetensors", checkpoint.weights, state)
        with (self.path / "rounds.jsonl").open("a", encoding="utf-8") as file:
            file.write(_line(checkpoint.rows[-1]))

    def restore(self) -> Checkpoint | None:
        """Return the last checkpoint, None when there is none, and repair ``rounds.jsonl`` from it."""
        path = self.path / "checkpoint.safetensors"
        if not path.exists():
            (self.path / "rounds.jsonl").unlink(missing_ok=True)
            return None
        weights, state = load_weights(path)
        text = "".join(_line(row) for row in state["rows"])
        rounds = self.path / "rounds.jsonl"
        if not rounds.exists() or rounds.read_text(encoding="utf-8") != text:
            write_text(rounds, text)
        return Checkpoint(weights=weights, **state)

    def status(self, wanted: int | None) -> tuple[str, str, int]:
        """Return (status, reason, rounds) for a study that wants that many rounds (None: until the pool is empty)."""
        info = self.info()
        done = max(0, len(self.rows(wanted)) - 1)
        live: Holder | None = live_holder(self.claim)
        if live:
            return "running", f"held by {live}", done
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
        check_schema(study, path)
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


def check_schema(value: Mapping[str, Any], path: Path) -> None:
    """Raise StoreError when a file was written under another schema than this version's."""
    if value and value.get("schema") != SCHEMA:
        raise StoreError(
            f"{path} has schema {value.get('schema')} and this version of albench reads {SCHEMA}; "
            "use the version that wrote it, or another folder"
        )


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"


def _identity(cell: Mapping[str, Any]) -> tuple[str, str, int]:
    return cell["scenario"], cell["strategy"], cell["seed"]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], ignored: Iterable[str] = ("rounds",)) -> list[str]:
    return [
        f"{name} ({old.get(name)} there, {new[name]} here)"
        for name in new
        if name not in ignored and old.get(name) != new[name]
    ]
