"""Stores that no training made: real folders with results whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albench.contracts.report import Results
from albench.store.cell import OwnedCell
from albench.store.results import collect
from albench.store.sealed import seal
from albench.store.store import Store
from albench.study.spec import PARTS, SCHEMA, CellSpec

EFFECTS = {"emoc": 0.03, "min": 0.01, "random": 0.0}  # what each strategy adds to the accuracy of the last round
CLASSES = [f"class {place}" for place in range(10)]


@dataclass
class Synthetic:
    """A study: accuracy rises alike everywhere, seeds differ, and a strategy's effect grows with the rounds."""

    effects: Mapping[str, float] = field(default_factory=lambda: dict(EFFECTS))
    scenarios: Sequence[str] = ("digits",)
    seeds: Sequence[int] = (0, 1, 2)
    rounds: int = 6
    initial: int = 100
    set_size: int = 5
    noise: float = 0.005
    class_names: Sequence[str] = tuple(CLASSES)
    name: str = "synthetic"
    missing: Mapping[tuple[str, int], str] = field(default_factory=dict)  # (strategy, seed) -> failure, "" for none
    scenario_choices: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    learner: Mapping[str, Any] = field(default_factory=lambda: {"initial_iterations": 1000})
    protocols: Sequence[str] = ("discovery",)  # labels; top-k queries no class
    fingerprints: Mapping[int, str] = field(default_factory=dict)  # seed -> of the data
    outcomes: bool = True  # whether the cells kept what their networks made of each test class
    query_indices: Mapping[int, NDArray[np.int64]] = field(default_factory=dict)  # seed -> rows to query in turn

    def write(self, root: Path) -> Path:
        """Write the store's files as a run leaves them and return its folder."""
        store = Store(root)
        cells = [self._write_cell(store, *where) for where in self._grid()]
        root.mkdir(parents=True, exist_ok=True)
        (root / "study.json").write_bytes(seal(self._study(cells)))
        return root

    def results(self, root: Path) -> Results:
        """Write the store and collect its results."""
        return collect(self.write(root))

    def _grid(self) -> list[tuple[str, str, str, int]]:
        return [
            (scenario, protocol, name, seed)
            for name in self.effects
            for scenario in self.scenarios
            for protocol in self.protocols
            for seed in self.seeds
        ]

    def _settings(self) -> dict[str, dict[str, Any]]:
        return {
            self._label(scenario, protocol): {
                "scenario": self.scenario_choices.get(scenario, _choice("scenarios", scenario)),
                "protocol": _choice("protocols", protocol, {"set_size": self.set_size}),
                "learner": _choice("learners", "finetune", self.learner),
                "network": _choice("networks", "cifar10-quick"),
                "rounds": self.rounds,
                "columns": {"n_novel_queried": "Int64"} if protocol.startswith("top-k") else {},
            }
            for scenario in self.scenarios
            for protocol in self.protocols
        }

    def _label(self, scenario: str, protocol: str) -> str:
        return scenario if protocol == "discovery" else f"{scenario} / {protocol}"

    def _study(self, cells: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "name": self.name,
            "preset": "quickstart",
            "settings": self._settings(),
            "strategies": {name: _choice("strategies", name) for name in self.effects},
            "commands": [["albench", "run"]],
            "cells": cells,
            "kept": [],
        }

    def _write_cell(self, store: Store, scenario: str, protocol: str, strategy: str, seed: int) -> dict[str, Any]:
        setting = self._settings()[self._label(scenario, protocol)]
        parts = {**{part: setting[part] for part in PARTS}, "strategy": _choice("strategies", strategy)}
        spec = CellSpec.from_json({**parts, "seed": seed, "fingerprint": self.fingerprints.get(seed, "")})
        cell = {"setting": spec.setting.label, "strategy": strategy, "seed": seed, "key": spec.key}
        failure = self.missing.get((strategy, seed))
        if failure == "":
            return cell
        rows = self._rows(scenario, strategy, seed)[: 2 if failure else None]
        if protocol.startswith("top-k"):
            nothing = {"query_class": None, "query_is_novel": None, "query_label": None}
            rows = [{**row, **nothing, "n_novel_queried": int(bool(row["round"]))} for row in rows]
        with self._owned(store, spec) as owned:
            owned.write_rounds(rows)
            self._write_record(owned, spec, setting, failure)
            if self.outcomes and not failure:
                owned.write_outcome(self._outcome(strategy, seed))
        return cell

    def _owned(self, store: Store, spec: CellSpec) -> AbstractContextManager[OwnedCell]:
        return store.cell_of(spec).owned(spec)

    def _write_record(self, cell: OwnedCell, spec: CellSpec, setting: Mapping[str, Any], failure: str | None) -> None:
        provenance = {
            "start": "2026-11-20T10:00:00+00:00",
            "host": "laptop",
            "command": ["albench", "run"],
            "python": "3.12.1",
            "versions": {"albench": "0.1.0", "torch": "2.11.0"},
            "git": None,
            "device": "cpu",
            "cpu": "A processor",
            "threads": 1,
            "gpu": None,
        }
        status = {"status": "failed", "error": failure} if failure else {"status": "done", "error": None}
        request = {"name": self.name, "preset": "quickstart", "rounds": self.rounds, "columns": setting["columns"]}
        cell.write_record(
            spec=spec.stored(),
            request=request,
            provenance={**provenance, **self.provenance},
            exhausted=False,
            **status,
        )

    def _outcome(self, strategy: str, seed: int) -> dict[str, Any]:
        names = list(self.class_names)
        draws = np.random.default_rng([seed, *strategy.encode(), 1])
        counts = [
            np.bincount(draws.choice([place, *range(len(names))], 20), minlength=len(names))
            for place in range(len(names))
        ]
        confusion = [row.tolist() for row in counts]
        return {"round": self.rounds, "classes": names, "n_known": len(names) // 2, "confusion": confusion}

    def _rows(self, scenario: str, strategy: str, seed: int) -> list[dict[str, Any]]:
        draws = np.random.default_rng([seed, *strategy.encode(), *scenario.encode()])
        shared = np.random.default_rng([seed, *scenario.encode()])
        start, speed = 0.4 + 0.05 * shared.standard_normal(), 3 + shared.random()
        progress = np.arange(self.rounds + 1) / max(self.rounds, 1)
        noise = self.noise * draws.standard_normal(self.rounds + 1)
        noise[0] = 0  # every strategy of a seed starts from the same network
        accuracy = start + 0.3 * (1 - np.exp(-speed * progress)) + self.effects[strategy] * progress + noise
        return [self._row(scenario, strategy, seed, number, accuracy, draws) for number in range(self.rounds + 1)]

    def _row(
        self,
        scenario: str,
        strategy: str,
        seed: int,
        number: int,
        accuracy: NDArray[np.float64],
        draws: np.random.Generator,
    ) -> dict[str, Any]:
        n_known = len(self.class_names) // 2
        found = min(n_known, (number * n_known) // max(self.rounds, 1))
        label = int(draws.integers(n_known)) if number % 2 else min(n_known + found, len(self.class_names) - 1)
        value = float(accuracy[number])
        row = {
            "scenario": scenario,
            "strategy": strategy,
            "seed": seed,
            "round": number,
            "n_labeled": self.initial + self.set_size * number,
            "accuracy": value,
            "accuracy_known": min(1.0, 1.4 * value),
            "accuracy_novel": 0.6 * value,
            "n_classes": n_known + found,
            "n_novel_found": found,
            "query_class": self.class_names[label],
            "query_is_novel": label >= n_known,
            "query_label": label,
            "query_seconds": 0.01 * (1 + list(self.effects).index(strategy)),
            "peak_memory_bytes": 2_000_000,
            "query_indices": self._indices(seed, number),
            "notes": {},
            "train_seconds": 0.5,
            "eval_seconds": 0.1,
        }
        if number == 0:
            row |= {name: None for name in row if name.startswith(("query_", "peak_"))} | {"train_seconds": 2.0}
        return row

    def _indices(self, seed: int, number: int) -> list[int]:
        rows = self.query_indices.get(seed, np.arange(100_000))
        return rows[(number - 1) * self.set_size : number * self.set_size].tolist()


def _choice(kind: str, label: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    given = dict(parameters or {})
    _, bracket, body = label.partition("[")
    return {
        "kind": kind,
        "name": label.partition("[")[0],
        "parameters": given,
        "changed": {**given, **({"in brackets": body} if bracket else {})},  # else two labels would be one cell
        "label": label,
        "version": 1,
        "source": "",
    }
