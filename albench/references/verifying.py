"""Computing a cell of a reference once more, to see whether its numbers come out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albench.contracts.executor import Event, Executor
from albench.errors import RequestError, StoreError, shown
from albench.processor import processor
from albench.references.beside import give
from albench.references.shelf import finished, made, name_of
from albench.running.provenance import versions
from albench.running.work import Work
from albench.store.reader import StoreReader, in_words
from albench.store.rows import Row, lasting
from albench.store.snapshot import Snapshot
from albench.store.store import Store
from albench.study.choice import Choice
from albench.study.spec import KIND_OF, CellSpec, Setting


@dataclass(frozen=True)
class Verdict:
    """What came of a cell: rounds compared, the first that differs, and how far accuracies are apart at most."""

    cell: str  # in words
    rounds: int
    first_different: int | None
    columns: Sequence[str]  # that differ in that round
    accuracy_apart: float  # over all rounds, 0..1
    same_machine: bool  # processor and versions as in the reference

    @property
    def holds(self) -> bool:
        """Whether every number came out, bit for bit."""
        return self.first_different is None


def candidates(
    reference: StoreReader, strategy: str | None = None, seed: int | None = None
) -> list[tuple[Mapping[str, Any], Snapshot]]:
    """Return the finished cells of a reference, of a strategy and a seed where they are given. RequestError for none.

    Cells of a class that no plugin offers are left out: nothing that a reference names is imported.
    """
    there = [(cell, snapshot) for cell, snapshot in finished(reference).values() if not _of_a_file(snapshot)]
    found = [
        (cell, snapshot)
        for cell, snapshot in there
        if (strategy is None or cell["strategy"] == strategy) and (seed is None or cell["seed"] == seed)
    ]
    if not found:
        names = ", ".join(dict.fromkeys(str(cell["strategy"]) for cell, _ in there))
        of = f" of {shown(strategy)}" if strategy is not None else ""
        at = f" at seed {seed}" if seed is not None else ""
        raise RequestError(
            f"the reference {name_of(reference)} has no finished cell{of}{at}; it has: {names or 'none'}"
        )
    return found


def verify(
    reference: StoreReader,
    cell: Mapping[str, Any],
    snapshot: Snapshot,
    engine: Executor,
    rounds: int | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Verdict:
    """Compute a cell again, from the initial network that the reference has, and compare its rows.

    `rounds` are compared (None: all that it has). The product, the threads and the device are those of the reference.
    Raises RequestError where components here are not of the reference's versions, StoreError where the cell fails.
    """
    spec = _specified(cell, snapshot)
    stored = list(snapshot.up_to(rounds))
    made_by, failures = made(snapshot), []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        give(reference, [], [spec], store)
        task = Work.of(
            store.root, spec, {"name": "verify", "preset": ""}, len(stored) - 1, str(made_by.get("device", "cpu")),
            int(made_by.get("threads", 1)), str(made_by.get("product", "mkl")), [],
        )  # fmt: skip

        def note(event: Event) -> None:
            if event["event"] in ("failed", "died", "held"):
                failures.append(event["reason"])
            if on_event:
                on_event(event)

        engine.run([task.to_json()], note)
        if failures:
            raise StoreError(f"{in_words(cell)} could not be computed again: {failures[0]}")
        found = store.snapshot({**cell, "key": spec.key}).rows
    return _compared(cell, stored, found, _is_here(made_by))


def _specified(cell: Mapping[str, Any], snapshot: Snapshot) -> CellSpec:
    """Return what a stored cell asks for, by the components that are installed; RequestError where those are others."""
    stored = snapshot.record["spec"]
    parts = {
        part: Choice.of(kind, stored[part]["name"], stored[part]["parameters"])
        for part, kind in {**KIND_OF, "strategy": "strategies"}.items()
    }
    strategy = parts.pop("strategy")
    spec = CellSpec(Setting(**parts), strategy, stored["seed"], stored["fingerprint"])
    if spec.key != cell["key"]:
        moved = [
            f"{choice.label} is of version {choice.version} here, and of {stored[part]['version']} there"
            for part, choice in {**parts, "strategy": strategy}.items()
            if choice.version != stored[part]["version"]
        ]
        raise RequestError(
            f"{in_words(cell)} is another cell here: {'; '.join(moved) or 'a part of its key has changed'}; install "
            "the versions that the reference names ('albench reference show')"
        )
    return spec


def _of_a_file(snapshot: Snapshot) -> bool:
    spec = snapshot.record["spec"]
    return any(spec[part]["source"] for part in (*KIND_OF, "strategy"))


def _is_here(made_by: Mapping[str, Any]) -> bool:
    here = versions()
    then = made_by.get("versions", {})
    return made_by.get("cpu") == processor().name and all(then.get(name) == here[name] for name in ("torch", "numpy"))


def _compared(cell: Mapping[str, Any], stored: Sequence[Row], found: Sequence[Row], same_machine: bool) -> Verdict:
    if len(stored) != len(found):
        raise StoreError(f"{in_words(cell)} got {len(found) - 1} rounds, and the reference has {len(stored) - 1}")
    pairs = [(lasting(one), lasting(other)) for one, other in zip(stored, found, strict=True)]
    different = [place for place, (one, other) in enumerate(pairs) if one != other]
    first = different[0] if different else None
    one, other = pairs[first or 0]
    columns = [name for name in one if one[name] != other.get(name)]
    apart = max(abs(one["accuracy"] - other["accuracy"]) for one, other in pairs)
    return Verdict(in_words(cell), len(pairs) - 1, first, columns, apart, same_machine)
