"""From stores to frames."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from albench.contracts.report import Results
from albench.datadir import offline
from albench.errors import DataError, RequestError, did_you_mean
from albench.plugins.parameters import NAME
from albench.store.cell import CellFolder
from albench.store.merging import StoredCell, merged_cells, merged_study
from albench.store.names import short_names
from albench.store.rows import as_frame
from albench.store.store import Store, cell_name, named_cells
from albench.study.choice import Choice
from albench.study.spec import PARTS
from albench.study.survey import proved_split

if TYPE_CHECKING:
    from albench.contracts.scenario import Split

PASSIVE = "random"


def load(store: str | Path, unfinished: bool = False) -> pd.DataFrame:
    """Return a store's results, one row a round, columns as in docs/protocol.md.

    Only cells that are done count, unless `unfinished` asks for what the others have recorded too. `query_indices`
    are rows of the scenario's images. Raises StoreError for a folder that is no store.
    """
    opened = Store(Path(store))
    study = opened.study()
    rows: list[dict[str, Any]] = []
    for cell in named_cells(study):
        folder = opened.cell(**cell)
        if unfinished or folder.status(cell["rounds"])[0] == "done":
            rows += [{**row, **cell_name(cell)} for row in folder.rows(cell["rounds"])]
    return as_frame(rows, _columns(study))


def load_named(store: str | Path) -> pd.DataFrame:
    """Return a store's results with settings by their short names, as reports show them."""
    names = short_names(Store(Path(store)).study()["settings"])
    frame = load(store)
    return frame.assign(setting=frame["setting"].map(names))


def choose_reference(strategies: Iterable[str]) -> str:
    """Return the strategy that others are compared with: random where it is, else the first."""
    names = list(dict.fromkeys(strategies))
    return names[0] if names and PASSIVE not in names else PASSIVE


def collect(*stores: str | Path, reference: str | None = None, benchmarks: str | Path | None = None) -> Results:
    """Return everything that a report is made from; cells of several stores are merged by their keys.

    Settings carry short names, which name no more than tells them apart. `reference` is the strategy that others are
    compared with; by default random, else the first. `benchmarks` is a JSON file of pytest-benchmark. Raises StoreError
    for a folder that is no store, and for stores whose cells cannot be compared.
    """
    opened = [Store(Path(store)) for store in stores]
    study = merged_study(opened)
    names = short_names(study["settings"])
    stored = [_renamed(cell, names) for cell in merged_cells(opened)]
    done = [(cell, cell.folder.info()) for cell in stored if cell.status == "done"]
    rows = [{**row, **cell.name} for cell, _ in done for row in cell.folder.rows(cell.wanted)]
    rounds = as_frame(rows, _columns(study))
    outcomes = [(cell, cell.folder.outcome()) for cell, _ in done]
    return Results(
        name=study["name"],
        rounds=rounds,
        cells=_cells(stored),
        provenance=[
            {**cell.name, **session}
            for cell, info in done
            if "provenance" in info
            for session in [*info.get("earlier_sessions", []), info["provenance"]]
        ],
        study={
            **study,
            "settings": {names[label]: {**one, "label": label} for label, one in study["settings"].items()},
        },
        reference=_checked(reference, rounds) or choose_reference(rounds["strategy"]),
        outcomes=[
            {**cell.name, **outcome}
            for cell, outcome in outcomes
            if outcome and outcome["round"] == len(cell.folder.rows(cell.wanted)) - 1
        ],
        stores=[{"store": store.root.name, "sha256": checksum(store)} for store in opened],
        benchmarks=_benchmarks(Path(benchmarks)) if benchmarks is not None else (),
    )


def _columns(study: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return [setting["columns"] for setting in study["settings"].values()]


def _renamed(cell: StoredCell, names: Mapping[str, str]) -> StoredCell:
    return StoredCell(**{**vars(cell), "name": {**cell.name, "setting": names[cell.name["setting"]]}})


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


def _cells(stored: Sequence[StoredCell]) -> pd.DataFrame:
    parts = ("key", "status", "reason", "rounds", "store", "copies", "copies_agree")
    rows = [
        {**cell.name, **{part: getattr(cell, part) for part in parts}, "fingerprint": _fingerprint(cell.folder)}
        for cell in stored
    ]
    return pd.DataFrame(rows, columns=["setting", *PARTS, "strategy", "seed", *parts, "fingerprint"])


def _checked(reference: str | None, rounds: pd.DataFrame) -> str | None:
    names = list(dict.fromkeys(rounds["strategy"]))
    if reference is not None and reference not in names:
        raise RequestError(
            f"there is no finished cell of {reference!r} to compare with{did_you_mean(reference, names)}; "
            f"finished are: {', '.join(names) or 'none'}"
        )
    return reference


def load_split(results: Results, setting: str, seed: int) -> Split:
    """Return the data of a setting's scenario and a seed, proved to be those that the results were computed from.

    Nothing is downloaded for it. Raises DataError when they are not there, or are others.
    """
    scenario = Choice(**{**results.study["settings"][setting]["scenario"], "kind": "scenarios"})
    if scenario.source or not NAME.fullmatch(scenario.name):
        where = scenario.source or "a file"
        raise DataError(f"{scenario.label} is a class of {where}, and a report runs no code that results name")
    cells = results.cells[(results.cells["setting"] == setting) & (results.cells["seed"] == seed)]
    with offline():
        return proved_split(scenario, seed, set(cells["fingerprint"]) - {""}, "the results were computed from")


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
