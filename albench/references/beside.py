"""A reference beside a study: its finished cells are not run again, and its initial networks are started from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from albench.errors import RequestError
from albench.processor import processor
from albench.references.shelf import Reference
from albench.running.provenance import versions
from albench.store.files import write_bytes
from albench.store.joining import Copy, checked_network, take
from albench.store.leases import leased
from albench.store.reader import CellStatus, in_words
from albench.store.store import Store
from albench.study.spec import CellSpec

NUMBERS_REST_ON = ("torch", "numpy")  # distributions, apart from components with versions of their own
SETTLED = ("done", "running")  # a cell that somebody runs is his


def held_cells(reference: Reference, cells: Sequence[CellSpec], rounds: int | None) -> dict[str, Copy]:
    """Return those of some cells that a reference has with so many rounds (None: until the pool is empty), by key.

    Raises RequestError where it has a setting and seed of theirs computed from other data: such cells make no pairs.
    """
    due = {(spec.setting.label, spec.seed): spec.fingerprint for spec in cells}
    for one in reference.done.values():
        fingerprint = due.get((one.cell["setting"], one.cell["seed"]))
        if fingerprint is not None and fingerprint != one.snapshot.record["spec"]["fingerprint"]:
            raise RequestError(
                f"the reference {reference.name} holds {in_words(one.cell)}, computed from other data than those of "
                f"{one.cell['scenario']} that are here; leave out --with-reference, or get the same data"
            )
    held = {spec.key: reference.done[spec.key] for spec in cells if spec.key in reference.done}
    return {
        key: Copy(reference.store, one.cell, one.snapshot) for key, one in held.items() if one.snapshot.is_done(rounds)
    }


def leave_out(
    statuses: list[CellStatus],
    held: dict[str, Copy],
    reference: Reference,
    cells: Sequence[CellSpec],
    rounds: int | None,
) -> None:
    """Count those cells as done, in place, that a reference has and a store has not, and add them to what is held."""
    there = held_cells(reference, cells, rounds)
    for place, (cell, status) in enumerate(zip(cells, statuses, strict=True)):
        if cell.key in there and status.status not in SETTLED:
            copy = held[cell.key] = there[cell.key]
            reason = f"held by the reference {reference.name}"
            n_rounds = len(copy.snapshot.up_to(rounds)) - 1
            statuses[place] = replace(status, status="done", reason=reason, rounds=n_rounds)


def give(reference: Reference, held: Sequence[Copy], pending: Sequence[CellSpec], store: Store) -> list[str]:
    """Put what a reference has into a store: these cells, and the initial networks of those that are to be run.

    Returns sentences about networks that it has not, or that do not hold: those are trained anew.
    """
    for copy in held:
        take(copy, store)
    lacking = []
    for path, spec in {store.initial_path(spec): spec for spec in pending}.items():
        name = path.relative_to(store.root).as_posix()
        data = reference.store.source.read(name)
        if data is None or not checked_network(data, name):
            lacking.append(spec.seed)
            continue
        with leased(path.with_suffix(".claim"), f"the initial network {path.name}", wait=True) as lease:
            if not path.exists():
                write_bytes(path, data, lease.check)
    if not lacking:
        return []
    seeds = ", ".join(map(str, sorted(set(lacking))))
    return [
        f"the reference {reference.name} has no initial network of seed {seeds}; it is trained here, and the "
        "report says so where it came out otherwise"
    ]


def differences(reference: Reference, cells: Sequence[CellSpec]) -> list[str]:
    """Return in sentences on what other machines and versions a reference was computed for the seeds of these cells."""
    seeds = {spec.seed for spec in cells}
    there = [one.made for one in reference.done.values() if one.cell["seed"] in seeds]
    here, said = versions(), []
    others = sorted({processor_of(one) for one in there} - {processor_of(), ""})
    if others:
        said.append(f"was computed on {' and '.join(others)}, and this is {processor_of()}")
    for name in NUMBERS_REST_ON:
        found = sorted({str(one["versions"].get(name)) for one in there if one.get("versions")} - {here[name]})
        if found:
            said.append(f"was computed with {name} {' and '.join(found)}, and {here[name]} is installed")
    return [f"the reference {reference.name} {one}: last digits may differ" for one in said]


def processor_of(made: Mapping[str, Any] | None = None) -> str:
    """Return on which processor a cell was computed, or, without one, this machine's: its name and its generation.

    Empty where a cell does not say.
    """
    if made is None:
        made = {"cpu": processor().name, "cpu_generation": processor().generation}
    name, generation = made.get("cpu", ""), made.get("cpu_generation")
    return f"{name} ({generation})" if generation else str(name)
