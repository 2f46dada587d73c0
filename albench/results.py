"""From stores to frames."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from albench.cell import CellFolder
from albench.contracts.report import Results
from albench.datadir import offline
from albench.errors import DataError, RequestError, did_you_mean
from albench.merging import StoredCell, merged_cells, merged_study
from albench.store import Store

if TYPE_CHECKING:
    from albench.contracts.scenario import Split

PASSIVE = "random"
COLUMNS = {
    "scenario": "str",
    "strategy": "str",
    "seed": "int64",
    "round": "int64",
    "n_labeled": "int64",
    "accuracy": "float64",
    "accuracy_known": "float64",
    "accuracy_novel": "float64",
    "n_classes": "int64",
    "n_novel_found": "int64",
    "query_class": "object",
    "query_is_novel": "boolean",
    "query_label": "Int64",
    "query_seconds": "float64",
    "train_seconds": "float64",
    "eval_seconds": "float64",
    "peak_memory_bytes": "Int64",
    "query_indices": "object",
    "notes": "object",
}


def load(store: str | Path, unfinished: bool = False) -> pd.DataFrame:
    """Return a store's results, one row a round, columns as in docs/protocol.md.

    Only cells that are done count, unless `unfinished` asks for what the others have recorded too. `query_indices`
    are rows of the scenario's images. Raises StoreError for a folder that is no store.
    """
    opened = Store(Path(store))
    study = opened.study()
    wanted = study["protocol"]["rounds"]
    rows: list[dict[str, Any]] = []
    for cell in study["cells"]:
        folder = opened.cell(**cell)
        if unfinished or folder.status(wanted)[0] == "done":
            rows.extend(folder.rows(wanted))
    return as_frame(rows)


def as_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return recorded rounds as a frame with the columns and types of the protocol."""
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def choose_reference(strategies: Iterable[str]) -> str:
    """Return the strategy that others are compared with: random where it is, else the first."""
    names = list(dict.fromkeys(strategies))
    return names[0] if names and PASSIVE not in names else PASSIVE


def collect(*stores: str | Path, reference: str | None = None, benchmarks: str | Path | None = None) -> Results:
    """Return everything that a report is made from; cells of several stores are merged by their keys.

    `reference` is the strategy that others are compared with; by default random, else the first. `benchmarks` is a JSON
    file of pytest-benchmark. Raises StoreError for
    a folder that is no store, and for stores whose protocols or cells cannot be compared.
    """
    opened = [Store(Path(store)) for store in stores]
    study = merged_study(opened)
    wanted = study["protocol"]["rounds"]
    stored = merged_cells(opened, wanted)
    done = [(cell, cell.folder.info()) for cell in stored if cell.status == "done"]
    rounds = as_frame([row for cell, _ in done for row in cell.folder.rows(wanted)])
    outcomes = [(cell, cell.folder.outcome()) for cell, _ in done]
    return Results(
        name=study["name"],
        rounds=rounds,
        cells=_cells(stored),
        provenance=[
            {**_named(cell), **session}
            for cell, info in done
            if "provenance" in info
            for session in [*info.get("earlier_sessions", []), info["provenance"]]
        ],
        study=study,
        reference=_checked(reference, rounds) or choose_reference(rounds["strategy"]),
        outcomes=[
            {**_named(cell), **outcome}
            for cell, outcome in outcomes
            if outcome and outcome["round"] == len(cell.folder.rows(wanted)) - 1
        ],
        stores=[{"store": store.root.name, "sha256": checksum(store)} for store in opened],
        benchmarks=_benchmarks(Path(benchmarks)) if benchmarks is not None else (),
    )


def _benchmarks(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a pytest-benchmark JSON file: name, group, mean_seconds, stddev_seconds, rounds."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
        return [
            {
                "name": str(one["name"]),
                "group": str(one.get("group") or ""),
                "mean_seconds": float(one["stats"]["mean"]),
                "stddev_seconds": float(one["stats"]["stddev"]),
                "repetitions": int(one["stats"]["rounds"]),
            }
            for one in found
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"{path} is no JSON file of pytest-benchmark ({type(error).__name__}: {error}); write one with "
            "pytest --benchmark-json"
        ) from None


def _named(cell: StoredCell) -> dict[str, Any]:
    return dict(zip(("scenario", "strategy", "seed"), cell.name, strict=True))


def _cells(stored: Sequence[StoredCell]) -> pd.DataFrame:
    parts = ("key", "status", "reason", "rounds", "store", "copies", "copies_agree")
    rows = [
        {**_named(cell), **{part: getattr(cell, part) for part in parts}, "fingerprint": _fingerprint(cell.folder)}
        for cell in stored
    ]
    return pd.DataFrame(rows, columns=["scenario", "strategy", "seed", *parts, "fingerprint"])


def _checked(reference: str | None, rounds: pd.DataFrame) -> str | None:
    names = list(dict.fromkeys(rounds["strategy"]))
    if reference is not None and reference not in names:
        raise RequestError(
            f"there is no finished cell of {reference!r} to compare with{did_you_mean(reference, names)}; "
            f"finished are: {', '.join(names) or 'none'}"
        )
    return reference


def load_split(results: Results, scenario: str, seed: int) -> Split:
    """Return the data of a scenario and seed, proved to be those that the results were computed from.

    Nothing is downloaded for it. Raises DataError when they are not there, or are others.
    """
    from albench.plugins import host

    choice = results.study["scenarios"][scenario]
    cells = results.cells[(results.cells["scenario"] == scenario) & (results.cells["seed"] == seed)]
    with offline():
        built = host().build("scenarios", choice["name"], choice["parameters"])
        if set(cells["fingerprint"]) - {""} != {built.fingerprint(seed)}:
            raise DataError(f"the data of {scenario} that are here are not those that the results were computed from")
        split: Split = built.split(seed).check()
    return split


def checksum(store: Store) -> str:
    """Return the SHA-256 over a store's results: of the lines "<sha256>  <path>" of its files, by path.

    The files are study.json and each cell's cell.json, rounds.jsonl and outcome.json. In a shell, in the store's
    folder: ``find study.json cells -name '*.json*' -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum |
    sha256sum``.
    """
    found = [store.root / "study.json", *store.root.glob("cells/*/*/*/*.json*")]
    names = sorted((path.relative_to(store.root).as_posix(), path) for path in found if path.is_file())
    digest = hashlib.sha256()
    for name, path in names:
        digest.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n".encode())
    return digest.hexdigest()


def _fingerprint(folder: CellFolder) -> str:
    """Return the fingerprint of the data that a cell was computed from, "" where none is recorded."""
    return str(folder.info().get("spec", {}).get("fingerprint", ""))
