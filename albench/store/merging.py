"""Several stores as one: refused where they name the same and mean another, cells joined by their keys."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from albench.errors import RequestError, StoreError
from albench.store.reader import StoreReader, cell_name, in_words
from albench.store.rows import Row, check_columns, lasting
from albench.store.snapshot import Snapshot
from albench.study.spec import PARTS

_TAKEN = ("name", "version")


@dataclass(frozen=True)
class StoredCell:
    """A requested cell where its result is best, and what other stores hold of it."""

    name: Mapping[str, Any]  # setting and its parts, strategy, seed
    key: str
    snapshot: Snapshot
    store: str
    wanted: int | None  # rounds that are asked for; none: until the pool is exhausted
    status: str
    reason: str
    rounds: int
    copies: int = 1  # stores that have finished it
    copies_agree: bool = True  # whether these hold the same numbers, times and memory aside

    @property
    def rows(self) -> Sequence[Row]:
        """The rows of the rounds that are asked for."""
        return self.snapshot.up_to(self.wanted)


def merged_study(
    stores: Sequence[StoreReader], together: str = "reported together", apart: str = "report them apart"
) -> dict[str, Any]:
    """Return the request of all stores together, the cells that were asked for aside.

    Raises StoreError that says in what settings or strategies of one label differ.
    """
    studies = [store.study for store in stores]
    merged = dict(studies[0])
    known: dict[str, str] = {}
    for store in stores:
        for setting in store.study["settings"].values():
            try:
                check_columns(setting["columns"], known)
            except RequestError as error:
                raise StoreError(f"{store.source.path} cannot be {together} with the others: {error}") from None
            known |= setting["columns"]
    for store, study in zip(stores[1:], studies[1:], strict=True):
        differences = _differences(merged, study)
        if differences:
            raise StoreError(
                f"{store.source.path} cannot be {together} with {stores[0].source.path}: they differ in "
                f"{'; '.join(differences)}; {apart}"
            )
        for kind in ("settings", "strategies"):
            merged[kind] = {**merged[kind], **study[kind]}
        merged["commands"] = [*merged["commands"], *(c for c in study["commands"] if c not in merged["commands"])]
    names = list(dict.fromkeys(study["name"] for study in studies))
    return {**merged, "name": " + ".join(names)}


def merged_cells(stores: Sequence[StoreReader]) -> list[StoredCell]:
    """Return the cells of all stores, each once, finished ones before unfinished ones of the same name.

    Of a setting that several stores have, as many rounds are read as the store with the fewest was asked for. Raises
    StoreError when a cell of one name was computed from other data, or by another version, than in another store.
    """
    cells = [(store, cell, snapshot) for store in stores for cell, snapshot in store.snapshots()]
    limits = fewest_rounds((store, cell) for store, cell, _ in cells)
    found: dict[tuple[Any, ...], list[StoredCell]] = {}
    for store, cell, snapshot in cells:
        wanted = limits[cell["setting"]]
        name = cell_name(cell)
        where = store.status_of(cell, snapshot, wanted)
        found.setdefault(tuple(name.values()), []).append(
            StoredCell(name, cell["key"], snapshot, store.name, wanted, *where)
        )
    return [_one(copies) for copies in found.values()]


def fewest_rounds(cells: Iterable[tuple[StoreReader, Mapping[str, Any]]]) -> dict[str, int | None]:
    """Return for each setting as many rounds as the store that wants fewest of it (None: until the pool is empty)."""
    wanted: dict[str, float] = {}
    for store, cell in cells:
        rounds = store.study["settings"][cell["setting"]]["rounds"]
        wanted[cell["setting"]] = min(wanted.get(cell["setting"], math.inf), math.inf if rounds is None else rounds)
    return {setting: None if math.isinf(rounds) else int(rounds) for setting, rounds in wanted.items()}


def _one(copies: list[StoredCell]) -> StoredCell:
    first = copies[0]
    if len({copy.key for copy in copies}) > 1:
        raise not_the_same(first.name, [copy.store for copy in copies], "report the stores apart")
    done = [copy for copy in copies if copy.status == "done"]
    if not done:
        return first
    numbers = [[lasting(row) for row in copy.rows] for copy in done]
    agree = all(other == numbers[0] for other in numbers[1:])
    return StoredCell(**{**vars(done[0]), "copies": len(done), "copies_agree": agree})


def not_the_same(cell: Mapping[str, Any], stores: Sequence[str], mend: str) -> StoreError:
    """Return what is said of a cell of one name that is not the same in several stores."""
    return StoreError(
        f"{in_words(cell)} is not the same cell in {' and '.join(stores)}: its data, or the code or the version of a "
        f"component, differ; {mend}"
    )


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return in what two studies cannot be compared, in words."""
    pairs = [
        (label, _flat(first["strategies"][label]), _flat(second["strategies"][label]))
        for label in first["strategies"]
        if label in second["strategies"]
    ]
    for label in first["settings"]:
        if label in second["settings"]:
            one, other = first["settings"][label], second["settings"][label]
            pairs += [(one[part]["label"], _flat(one[part]), _flat(other[part])) for part in PARTS]
    return [
        f"{what} {name} ({one.get(name)} and {other.get(name)})"
        for what, one, other in pairs
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    ]


def _flat(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two components of one label must have in common, by what it is called in words."""
    parameters = {f"parameter {name}" if name in _TAKEN else name: value for name, value in choice["changed"].items()}
    return {**{name: choice[name] for name in _TAKEN}, **parameters}
