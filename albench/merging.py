"""Several stores as one: refused where their protocols differ, cells joined by their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from albench.cell import CellFolder
from albench.errors import StoreError
from albench.store import Store

_VARYING = ("query_seconds", "train_seconds", "eval_seconds", "peak_memory_bytes", "notes")  # from run to run


@dataclass(frozen=True)
class StoredCell:
    """A requested cell where its result is best, and what other stores hold of it."""

    name: tuple[str, str, int]  # scenario, strategy, seed
    key: str
    folder: CellFolder
    store: str
    status: str
    reason: str
    rounds: int
    copies: int = 1  # stores that have finished it
    copies_agree: bool = True  # whether these hold the same numbers, times and memory aside


def merged_study(stores: Sequence[Store]) -> dict[str, Any]:
    """Return the request of all stores together; of unequal numbers of rounds the smallest.

    Raises StoreError that says in what protocols, networks or components differ.
    """
    studies = [store.study() for store in stores]
    merged = dict(studies[0])
    for store, study in zip(stores[1:], studies[1:], strict=True):
        differences = _differences(merged, study)
        if differences:
            raise StoreError(
                f"{store.root} cannot be reported together with {stores[0].root}: they differ in "
                f"{'; '.join(differences)}; report them apart"
            )
        for kind in ("scenarios", "strategies"):
            merged[kind] = {**merged[kind], **study[kind]}
        merged["commands"] = [*merged["commands"], *(c for c in study["commands"] if c not in merged["commands"])]
    names = list(dict.fromkeys(study["name"] for study in studies))
    rounds = [study["protocol"]["rounds"] for study in studies if study["protocol"]["rounds"] is not None]
    protocol = {**merged["protocol"], "rounds": min(rounds) if rounds else None}
    return {**merged, "name": " + ".join(names), "protocol": protocol}


def merged_cells(stores: Sequence[Store], rounds: int | None) -> list[StoredCell]:
    """Return the cells of all stores, each once, finished ones before unfinished ones of the same name.

    Raises StoreError when a cell of one name was computed from other data, or by another version, than in another
    store.
    """
    found: dict[tuple[str, str, int], list[StoredCell]] = {}
    for store in stores:
        for cell in store.cells():
            folder = store.cell(**cell)
            name = (cell["scenario"], cell["strategy"], cell["seed"])
            stored = StoredCell(name, cell["key"], folder, store.root.name, *folder.status(rounds))
            found.setdefault(name, []).append(stored)
    return [_one(copies, rounds) for copies in found.values()]


def _one(copies: list[StoredCell], rounds: int | None) -> StoredCell:
    first = copies[0]
    if len({copy.key for copy in copies}) > 1:
        raise StoreError(
            f"{' / '.join(map(str, first.name))} is not the same cell in {' and '.join(c.store for c in copies)}: its "
            "data, or the version of a component, differ; report the stores apart"
        )
    done = [copy for copy in copies if copy.status == "done"]
    if not done:
        return first
    numbers = [[_lasting(row) for row in copy.folder.rows(rounds)] for copy in done]
    agree = all(other == numbers[0] for other in numbers[1:])
    return StoredCell(**{**vars(done[0]), "copies": len(done), "copies_agree": agree})


def _lasting(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _VARYING}


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return in what two studies cannot be compared, in words; `rounds` may differ, a prefix is read."""
    pairs = [("protocol", first["protocol"], second["protocol"])]
    pairs.append(("network", _flat(first["network"]), _flat(second["network"])))
    for kind in ("scenarios", "strategies"):
        pairs += [
            (label, _flat(first[kind][label]), _flat(second[kind][label]))
            for label in first[kind]
            if label in second[kind]
        ]
    return [
        f"{what} {name} ({one.get(name)} and {other.get(name)})"
        for what, one, other in pairs
        for name in {**one, **other}
        if name != "rounds" and one.get(name) != other.get(name)
    ]


def _flat(choice: Mapping[str, Any]) -> dict[str, Any]:
    plain = {"name": choice["name"], "results_version": choice["results_version"]}
    return {**plain, **choice["parameters"]}
