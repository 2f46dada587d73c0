"""From stores to frames."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from albench.analysis import without_lines
from albench.contracts.report import Results
from albench.datadir import offline
from albench.errors import DataError, RequestError, StoreError, did_you_mean
from albench.plugins.parameters import NAME
from albench.store.merging import StoredCell, merged_cells, merged_study
from albench.store.names import short_names
from albench.store.reader import StoreReader, cell_name
from albench.store.rows import Row, as_frame
from albench.store.store import open_store
from albench.study.choice import Choice, paths_here
from albench.study.spec import PARTS
from albench.study.survey import proved_split

if TYPE_CHECKING:
    from albench.contracts.scenario import Split

PASSIVE = "random"


def load(store: str | Path, unfinished: bool = False) -> pd.DataFrame:
    """Return the results of a store or an archive, one row a round, columns as in docs/protocol.md.

    Only cells that are done count, unless `unfinished` asks for what the others have recorded too. A damaged cell is
    left out with a warning (`albench.StoreWarning`). `query_indices` are rows of the scenario's images. Raises
    StoreError for what is no store.
    """
    return rounds_of(open_store(store), unfinished)


def rounds_of(store: StoreReader, unfinished: bool = False) -> pd.DataFrame:
    """Return what `load` returns of a store that is open."""
    found = (
        (cell_name(cell), snapshot.up_to(cell["rounds"]))
        for cell, snapshot in store.each_snapshot()
        if unfinished or snapshot.is_done(cell["rounds"])
    )
    return _frame(found, store.study)


def load_named(*stores: str | Path) -> pd.DataFrame:
    """Return the results of stores together with settings by their short names, as reports show them."""
    opened = [open_store(store) for store in stores]
    study = merged_study(opened)
    names = short_names(study["settings"])
    if len(opened) == 1:
        frame = rounds_of(opened[0])
    else:
        frame = _frame(((cell.name, cell.rows) for cell in merged_cells(opened) if cell.status == "done"), study)
    return frame.assign(setting=frame["setting"].map(names))


def choose_reference(strategies: Iterable[str]) -> str:
    """Return the strategy that others are compared with: random where it is, else the first."""
    names = list(dict.fromkeys(strategies))
    return names[0] if names and PASSIVE not in names else PASSIVE


def collect(*stores: str | Path, reference: str | None = None, benchmarks: str | Path | None = None) -> Results:
    """Return everything that a report is made from; cells of several stores or archives are merged by their keys.

    Settings carry short names, which name no more than tells them apart. `reference` is the strategy that others are
    compared with; by default random, else the first. `benchmarks` is a JSON file of pytest-benchmark. Raises StoreError
    for a folder that is no store, and for stores whose cells cannot be compared.
    """
    opened = [open_store(store) for store in stores]
    study = merged_study(opened)
    names = short_names(study["settings"])
    stored = [_renamed(cell, names) for cell in merged_cells(opened)]
    done = [cell for cell in stored if cell.status == "done"]
    rounds, lines = without_lines(_frame(((cell.name, cell.rows) for cell in done), study))
    return Results(
        name=study["name"],
        rounds=rounds,
        cells=_cells(stored),
        provenance=[
            {**cell.name, **session}
            for cell in done
            if "provenance" in cell.snapshot.record
            for session in [*cell.snapshot.record.get("earlier_sessions", []), cell.snapshot.record["provenance"]]
        ],
        study={
            **study,
            "settings": {names[label]: {**one, "label": label} for label, one in study["settings"].items()},
        },
        reference=_checked(reference, rounds) or choose_reference(rounds["strategy"]),
        outcomes=[
            {**cell.name, **cell.snapshot.outcome}
            for cell in done
            if cell.snapshot.outcome and cell.snapshot.outcome["round"] == len(cell.rows) - 1
        ],
        stores=[{"store": store.name, "sha256": store.source.checksum()} for store in opened],
        benchmarks=_benchmarks(Path(benchmarks)) if benchmarks is not None else (),
        lines=lines,
    )


def _frame(cells: Iterable[tuple[Mapping[str, Any], Sequence[Row]]], study: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of named cells as a frame; StoreError for values that no column holds, which no run writes."""
    try:
        return as_frame(cells, [setting["columns"] for setting in study["settings"].values()])
    except (ValueError, TypeError, OverflowError) as error:
        raise StoreError(f"a row holds what its column cannot hold ({error}); get these results anew") from None


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
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RequestError(
            f"{path} is no JSON file of pytest-benchmark ({type(error).__name__}: {error}); write one with "
            "pytest --benchmark-json"
        ) from None


def _cells(stored: Sequence[StoredCell]) -> pd.DataFrame:
    parts = ("key", "status", "reason", "rounds", "store", "copies", "copies_agree")
    rows = [
        {
            **cell.name,
            **{part: getattr(cell, part) for part in parts},
            "fingerprint": str(cell.snapshot.record.get("spec", {}).get("fingerprint", "")),
            "initial_sha256": str(cell.snapshot.record.get("initial_sha256", "")),
        }
        for cell in stored
    ]
    columns = ["setting", *PARTS, "strategy", "seed", *parts, "fingerprint", "initial_sha256"]
    return pd.DataFrame(rows, columns=columns)


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
    stored = results.study["settings"][setting]["scenario"]
    if stored["source"] or not NAME.fullmatch(stored["name"]):
        where = stored["source"] or "a file"
        raise DataError(f"{stored['label']} is a class of {where}, and a report runs no code that results name")
    given = {**stored["parameters"], **paths_here("scenarios", stored["name"], stored["label"])}
    scenario = Choice.of("scenarios", stored["name"], given)  # by whatever code: the data are proved
    cells = results.cells[(results.cells["setting"] == setting) & (results.cells["seed"] == seed)]
    with offline():
        return proved_split(scenario, seed, set(cells["fingerprint"]) - {""}, "the results were computed from")
