"""Computing a cell of a reference once more, to see whether its numbers come out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albench.contracts.executor import Event, Executor
from albench.errors import RequestError, StoreError, shown
from albench.plugins import parameters
from albench.plugins.host import host
from albench.products.choice import PLAIN
from albench.references.beside import NUMBERS_REST_ON, give, processor_of
from albench.references.shelf import Finished, Reference
from albench.running.provenance import versions
from albench.running.work import Work
from albench.store.reader import in_words
from albench.store.rows import Row, lasting
from albench.store.snapshot import Snapshot
from albench.store.store import Store
from albench.study.choice import Choice
from albench.study.spec import KIND_OF, CellSpec, Setting

PART_KINDS = {**KIND_OF, "strategy": "strategies"}


@dataclass(frozen=True)
class Verdict:
    """What came of a cell: rounds compared, the first that differs, and how far accuracies are apart at most."""

    cell: str  # in words
    rounds: int
    first_different: int | None
    columns: Sequence[str]  # that differ in that round
    accuracy_apart: float  # over all rounds, 0..1
    same_network: bool  # the initial one, bit for bit
    same_machine: bool  # processor and versions as in the reference

    @property
    def holds(self) -> bool:
        """Whether every number came out, bit for bit."""
        return self.first_different is None and self.same_network


def candidates(reference: Reference, strategy: str | None = None, seed: int | None = None) -> list[Finished]:
    """Return the finished cells of a reference, of a strategy and a seed where they are given. RequestError for none.

    Cells of a class that no plugin offers are left out: nothing that a reference names is imported.
    """
    there = [one for one in reference.done.values() if not _is_of_a_file(one.snapshot)]
    found = [
        one
        for one in there
        if (strategy is None or one.cell["strategy"] == strategy) and (seed is None or one.cell["seed"] == seed)
    ]
    if not found:
        names = ", ".join(dict.fromkeys(str(one.cell["strategy"]) for one in there))
        of = f" of {shown(strategy)}" if strategy is not None else ""
        at = f" at seed {seed}" if seed is not None else ""
        raise RequestError(
            f"the reference {reference.name} has no finished cell{of}{at}; it has: "
            f"{names or 'none that a plugin offers'}"
        )
    return found


def verify(
    reference: Reference,
    one: Finished,
    engine: Executor,
    rounds: int | None = None,
    values: Mapping[str, Any] | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Verdict:
    """Compute a cell again and compare its rows, and its initial network with that from which the reference started.

    The network is the reference's where it has it, else it is trained again; product, threads and device are those of
    the reference. `rounds` are compared (None: all that it has). `values` are parameters that no reference holds, such
    as the path of a file of features. Raises RequestError where components here are not of the reference's versions,
    StoreError where the cell fails.
    """
    spec = _specified(one, values or {})
    stored, failures = list(one.snapshot.up_to(rounds)), []

    def note(event: Event) -> None:
        if event["event"] in ("failed", "died", "held"):
            failures.append(event["reason"])
        if on_event:
            on_event(event)

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        give(reference, [], [spec], store)
        task = Work.of(
            store.root, spec, {"name": "verify", "preset": ""}, len(stored) - 1, str(one.made.get("device", "cpu")),
            int(one.made.get("threads", 1)), str(one.made.get("product", PLAIN)), [],
        )  # fmt: skip
        engine.run([task.to_json()], note)
        if failures:
            raise StoreError(f"{in_words(one.cell)} could not be computed again: {failures[0]}")
        return _compared(one, stored, store.snapshot({**one.cell, "key": spec.key}))


def _specified(one: Finished, values: Mapping[str, Any]) -> CellSpec:
    """Return what a stored cell asks for, by the components that are installed; RequestError where those are others."""
    stored = one.snapshot.record["spec"]
    parts = {part: _chosen(kind, stored[part], values) for part, kind in PART_KINDS.items()}
    setting = Setting(**{part: parts[part] for part in KIND_OF})
    spec = CellSpec(setting, parts["strategy"], stored["seed"], stored["fingerprint"])
    if spec.key != one.cell["key"]:
        moved = [
            f"{choice.label} is of version {choice.version} here, and of {stored[part]['version']} there"
            for part, choice in parts.items()
            if choice.version != stored[part]["version"]
        ]
        raise RequestError(
            f"{in_words(one.cell)} is another cell here: {'; '.join(moved) or 'a part of its key has changed'}; "
            "install the versions that the reference names ('albench reference show')"
        )
    return spec


def _chosen(kind: str, stored: Mapping[str, Any], values: Mapping[str, Any]) -> Choice:
    fields = parameters.fields(host().component_class(kind, stored["name"]))
    given = {name: value for name, value in values.items() if name in fields}
    return Choice.of(kind, stored["name"], {**stored["parameters"], **given})


def _is_of_a_file(snapshot: Snapshot) -> bool:
    spec = snapshot.record["spec"]
    return any(spec[part]["source"] for part in PART_KINDS)


def _is_here(made: Mapping[str, Any]) -> bool:
    here, then = versions(), made.get("versions", {})
    return processor_of(made) == processor_of() and all(then.get(name) == here[name] for name in NUMBERS_REST_ON)


def _compared(one: Finished, stored: Sequence[Row], again: Snapshot) -> Verdict:
    if len(stored) != len(again.rows):
        raise StoreError(f"{in_words(one.cell)} got {len(again.rows) - 1} rounds, and {len(stored) - 1} are stored")
    pairs = [(lasting(row), lasting(other)) for row, other in zip(stored, again.rows, strict=True)]
    first = next((place for place, (row, other) in enumerate(pairs) if row != other), None)
    row, other = pairs[first or 0]
    columns = [name for name in {**row, **other} if row.get(name) != other.get(name)]
    apart = max(abs(row["accuracy"] - other["accuracy"]) for row, other in pairs)
    same_network = one.snapshot.record.get("initial_sha256") == again.record.get("initial_sha256")
    return Verdict(in_words(one.cell), len(pairs) - 1, first, columns, apart, same_network, _is_here(one.made))
