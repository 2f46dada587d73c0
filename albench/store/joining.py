"""Stores into one: `albench merge` and `albench export`. Files are copied as they are, once they have been verified.

What comes of a merge does not depend on the order of the stores, nor on how often one of them is given.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albench.errors import DamageError, StoreError
from albench.store.anonymous import record_without_paths, study_without_paths
from albench.store.archive import write_archive
from albench.store.cell import parsed_checkpoint
from albench.store.files import write_bytes
from albench.store.leases import leased
from albench.store.merging import fewest_rounds, merged_study, not_the_same
from albench.store.reader import StoreReader, cell_path, in_words
from albench.store.rows import lasting
from albench.store.sealed import seal
from albench.store.snapshot import Snapshot
from albench.store.source import CELL, CHECKPOINT, OUTCOME, RESULTS, ROUNDS, STUDY
from albench.store.store import Store, open_store
from albench.store.weights import fingerprint_of, load_weights
from albench.study.spec import SCHEMA

_Place = tuple[StoreReader, dict[str, Any], bool]  # a store, a cell that it names, and whether it is asked for


@dataclass(frozen=True)
class Copy:
    """A cell in one of several stores."""

    store: StoreReader
    cell: Mapping[str, Any]  # as a study names it, with its scenario
    snapshot: Snapshot

    @property
    def path(self) -> str:
        """The cell's folder in a store."""
        return cell_path(**self.cell)

    def files(self, weights: bool = True) -> dict[str, bytes]:
        """Return the cell's files by name, its checkpoint where it has one that holds, unless `weights` is False."""
        names = (*RESULTS, CHECKPOINT) if weights else RESULTS
        read = {name: self.store.source.read(f"{self.path}/{name}") for name in names}
        found = {name: data for name, data in read.items() if data is not None}
        if CHECKPOINT in found and not self._goes_on_from(found[CHECKPOINT]):
            del found[CHECKPOINT]
        return found

    def _goes_on_from(self, checkpoint: bytes) -> bool:
        """Return whether a checkpoint holds, and has all rounds of this copy."""
        try:
            return len(parsed_checkpoint(checkpoint, self.cell["key"]).rows) >= len(self.snapshot.rows)
        except DamageError:
            return False

    def rank(self) -> tuple[Any, ...]:
        """Return what the better of two copies has more of; the last entry decides between equals."""
        record, files = self.snapshot.record, self.files()
        digest = hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest()
        return len(self.snapshot.rows), record["exhausted"], CHECKPOINT in files, record["status"] == "done", digest


def merge(stores: Sequence[str | Path], output: Path) -> None:
    """Join stores and archives, by the keys of their cells, into a folder or (``.zip``) an archive.

    An output that is there already is one of them. Of a cell that several have, the copy with most rounds is taken.
    Raises StoreError, which names both, for stores that cannot be joined: settings or strategies of one name that are
    not the same, and cells of one key whose numbers differ; HeldError for a cell of the output that is being run.
    """
    sources = [Path(path) for path in stores]
    if output.suffix == ".zip":
        opened = _opened([*sources, output] if output.exists() else sources)
        study, copies = joined(opened)
        write_archive(output, _archived(study, copies, opened))
        return
    target = Store(output)
    target.check_folder()
    _opened(sources)  # what is no store is told of before anything is written
    with leased(output / "study.claim", str(output / STUDY), wait=True) as lease:
        opened = _opened([*sources, output] if target.found_study else sources)
        study, copies = joined(opened)
        started = set()
        for copy in copies:
            take(copy, target)
            started.add(copy.snapshot.record.get("initial_sha256"))
        for name, data in _initial_networks(opened, started):
            write_bytes(output / name, data, lease.check)
        write_bytes(output / STUDY, seal(study, indent=1), lease.check)  # last: a store is whole, or not there


def _opened(paths: Sequence[Path]) -> list[StoreReader]:
    """Return the stores of some paths, each once; StoreError for what is none."""
    opened = [open_store(path) for path in {path.resolve(): path for path in paths}.values()]
    for store in opened:
        store.study  # noqa: B018 - which raises
    return opened


def write_store(store: StoreReader, output: Path, weights: bool) -> None:
    """Write a store's archive: what was asked for, and each cell's record, rounds and outcome, without absolute paths.

    `weights` adds checkpoints and initial networks, so that cells can go on from it.
    """
    write_archive(output, _archived(store.study, _best_of_each([store]), [store] if weights else []))


def _archived(
    study: Mapping[str, Any], copies: Iterable[Copy], networks: Sequence[StoreReader]
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an archive without an absolute path, with weights where stores have `networks` for it."""
    yield STUDY, seal(study_without_paths(study), indent=1)
    started = set()
    for copy in copies:
        started.add(copy.snapshot.record.get("initial_sha256"))
        files = {**copy.files(bool(networks)), CELL: seal(record_without_paths(copy.snapshot.record), indent=1)}
        yield from ((f"{copy.path}/{name}", data) for name, data in files.items())
    yield from _initial_networks(networks, started)


def joined(stores: Sequence[StoreReader]) -> tuple[dict[str, Any], Iterator[Copy]]:
    """Return the study of several stores together, and the best copy of each cell that has begun; StoreError."""
    merged_study(stores, "joined", "keep them apart")
    asked = [(store, cell) for store in stores for cell in store.cells()]
    limits = fewest_rounds(asked)
    settings = {label: {**one, "rounds": limits.get(label, one["rounds"])} for label, one in _of("settings", stores)}
    cells = _one_of_each_name(asked)
    keys = {cell["key"] for cell in cells}
    kept = {cell["key"]: _name(cell) for store in stores for cell in store.study["kept"] if cell["key"] not in keys}
    study = {
        "schema": SCHEMA,
        "name": _together("name", stores),
        "preset": _together("preset", stores),
        "settings": settings,
        "strategies": dict(_of("strategies", stores)),
        "commands": sorted({tuple(command) for store in stores for command in store.study["commands"]}),
        "cells": cells,
        "kept": [kept[key] for key in sorted(kept)],
    }
    return study, _best_of_each(stores)


def _of(kind: str, stores: Sequence[StoreReader]) -> list[tuple[str, Any]]:
    """Return the settings or strategies of all stores by label; of equal ones that tell more and less, the same."""
    found: dict[str, Any] = {}
    for store in stores:
        for label, one in store.study[kind].items():
            found[label] = max(found.get(label, one), one, key=lambda value: json.dumps(value, sort_keys=True))
    return sorted(found.items())


def _together(name: str, stores: Sequence[StoreReader]) -> str:
    return " + ".join(sorted({part for store in stores for part in store.study[name].split(" + ")}))


def _best_of_each(stores: Sequence[StoreReader]) -> Iterator[Copy]:
    """Return the best copy of each cell that has begun, in the order of keys; StoreError before the first of them.

    What cells hold is read when their turn comes, and once more where several stores have a cell: those of many cells
    would not fit into memory.
    """
    places: dict[str, list[_Place]] = {}
    for store in stores:
        for cell, is_asked in _named_cells(store):
            places.setdefault(cell["key"], []).append((store, cell, is_asked))
    for key, found in places.items():
        if len(found) > 1:
            copies = [copy for place in found if (copy := _copy(*place))]
            best = _best(copies) if copies else None
            places[key] = [(best.store, dict(best.cell), True)] if best else []
    return (copy for _, found in sorted(places.items()) for place in found if (copy := _copy(*place)))


def _named_cells(store: StoreReader) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the cells that a store names, and whether they are asked for."""
    yield from ((cell, True) for cell in store.cells())
    yield from ((cell, False) for cell in store.kept_cells())


def _copy(store: StoreReader, cell: Mapping[str, Any], is_asked: bool) -> Copy | None:
    """Return a cell as a store has it, None where it has not begun or, with a warning, is damaged."""
    snapshot = store.told_snapshot(cell) if is_asked else store.snapshot(cell)
    return Copy(store, cell, snapshot) if snapshot.record and (is_asked or snapshot.rows) else None


def _best(copies: Sequence[Copy]) -> Copy:
    """Return the copy with most of a cell, once all agree; StoreError."""
    first = copies[0]
    for other in copies[1:]:
        for one, two in zip(first.snapshot.rows, other.snapshot.rows, strict=False):
            names = {**lasting(one), **lasting(two)}
            differing = [name for name in names if (name in one, one.get(name)) != (name in two, two.get(name))]
            if differing:
                raise StoreError(
                    f"{in_words(first.cell)} has other numbers in {first.store.source.path} than in "
                    f"{other.store.source.path} (round {one['round']}: {', '.join(differing)}); keep the stores apart, "
                    "or delete the cell's folder in one of them"
                )
    return max(copies, key=Copy.rank) if len(copies) > 1 else first


def _one_of_each_name(asked: Iterable[tuple[StoreReader, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return the cells of all stores by name; StoreError for two of one name that are not the same."""
    found: dict[str, tuple[StoreReader, dict[str, Any]]] = {}
    for store, cell in asked:
        name = _name(cell)
        before, known = found.setdefault(in_words(cell), (store, name))
        if known != name:
            raise not_the_same(cell, [str(one.source.path) for one in (before, store)], "keep them apart")
    return [found[words][1] for words in sorted(found)]


def _name(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {part: cell[part] for part in ("setting", "strategy", "seed", "key")}


def _initial_networks(stores: Sequence[StoreReader], started: Set[str | None]) -> Iterator[tuple[str, bytes]]:
    """Yield the initial networks that hold; of one that stores have trained apart, that which cells `started` from."""
    holders: dict[str, list[StoreReader]] = {}
    for store in stores:
        for name in store.source.names():
            if name.startswith("initial/"):
                holders.setdefault(name, []).append(store)
    for name, having in sorted(holders.items()):
        found = [
            (sha256 in started, hashlib.sha256(data).hexdigest(), data)
            for data in (store.source.read(name) for store in having)
            if data is not None and (sha256 := checked_network(data, name))
        ]
        if found:
            yield name, max(found)[2]


def checked_network(data: bytes, name: str) -> str:
    """Return the SHA-256 of the weights of an initial network, "" where it does not hold or is not of this name."""
    try:
        weights, state = load_weights(data)
    except DamageError:
        return ""
    is_own = str(state.get("key"))[:8] == name.removesuffix(".safetensors")[-8:]
    return str(state["sha256"]) if is_own and state.get("sha256") == fingerprint_of(weights) else ""


def take(copy: Copy, target: Store) -> None:
    """Let a store have a cell as a copy has it, whole: a file that the copy has not goes."""
    files, folder = copy.files(), target.cell(**copy.cell)
    names = [ROUNDS, OUTCOME, CELL]  # so that what is there is whole or less, whenever this is killed
    names.insert(0 if CHECKPOINT in files else 3, CHECKPOINT)
    there = {name: target.source.read(f"{copy.path}/{name}") for name in names}
    if there == {name: files.get(name) for name in names}:
        return
    with folder.owned(in_words(copy.cell)) as owned:
        owned.take({name: files.get(name) for name in names})
