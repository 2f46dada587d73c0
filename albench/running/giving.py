"""Giving tasks to an executor: its events are passed on, and the failure of a cell whose worker died is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from albench.contracts.executor import Event, Executor, Task
from albench.errors import HeldError, WriteError
from albench.running.following import following
from albench.running.work import request_of
from albench.store.store import Store
from albench.study.spec import CellSpec


def give(
    engine: Executor,
    tasks: Sequence[Task],
    cells: Sequence[CellSpec],
    store: Store,
    study: Mapping[str, str],
    rounds: int | None,
    on_event: Callable[[Event], None] | None,
) -> None:
    """Run the tasks of cells, and pass on what happens to them: what the engine emits, or what their store tells."""
    by_name = {tuple(cell.name.values()): cell for cell in cells}

    def note(event: Event) -> None:
        if event["event"] == "died":
            cell = by_name[tuple(event["cell"].values())]
            event = {**event, "event": "failed"}
            with suppress(WriteError, HeldError), store.cell_of(cell).owned(cell) as owned:  # else it is interrupted
                owned.fail(cell, request_of(study, cell, rounds), event["reason"])
        if on_event:
            on_event(event)

    def note_end(event: Event) -> None:
        if event["event"] not in ("done", "cancelled"):  # the store has told of the former
            note(event)

    if engine.remote:
        with following(store, cells, rounds, note):
            engine.run(tasks, note_end)
    else:
        engine.run(tasks, note)
