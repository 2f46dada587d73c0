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
    told: set[tuple[str, str]] = set()
    by_name = {tuple(cell.name.values()): cell for cell in cells}

    def note(event: Event) -> None:
        if event["event"] == "died":
            event = _recorded(event, by_name[tuple(event["cell"].values())], store, study, rounds)
        if event["event"] == "left":  # once for all seeds
            what = (event["cell"]["strategy"], event["reason"])
            if what in told:
                return
            told.add(what)
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


def _recorded(event: Event, cell: CellSpec, store: Store, study: Mapping[str, str], rounds: int | None) -> Event:
    """Record the failure of a cell whose worker died, unless that was after its end; return the event of its end."""
    if store.snapshot({**cell.name, "key": cell.key}).is_done(rounds):
        return {"event": "done", "cell": event["cell"]}
    with suppress(WriteError, HeldError), store.cell_of(cell).owned(cell) as owned:  # else it is interrupted
        owned.fail(cell, request_of(study, cell, rounds), event["reason"])
    return {**event, "event": "failed"}
