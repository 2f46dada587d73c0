"""What happens to cells that are performed elsewhere, as their store tells it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from albench.contracts.executor import Emit
from albench.store.source import CELL, ROUNDS
from albench.store.store import Store
from albench.study.spec import CellSpec

POLL_SECONDS = 1.0
SHARE = 10  # of the time between two looks is spent on a look, at most one part in so many


class Follower:
    """Reads cells when their files have changed, and emits the rounds that are new, and those that are done."""

    def __init__(self, store: Store, cells: Sequence[CellSpec], rounds: int | None) -> None:
        self.store = store
        self.rounds = rounds
        self.open = {spec.key: spec for spec in cells}
        self.stamps: dict[str, object] = {}
        self.known: dict[str, int] = {}
        self.look(lambda _: None)  # what was there before is no news

    def look(self, emit: Emit) -> None:
        """Emit what happened since the last look; see `albench.running.work.perform` for the events."""
        for key, spec in list(self.open.items()):
            stamp = self._stamp(spec)
            if stamp == self.stamps.get(key):
                continue
            self.stamps[key] = stamp
            snapshot = self.store.snapshot({**spec.name, "key": key})
            rows = snapshot.up_to(self.rounds)  # none of a damaged cell, which how its task ends tells
            for row in rows[self.known.get(key, 0) :]:
                emit({"event": "round", "cell": spec.name, "row": row})
            self.known[key] = max(len(rows), self.known.get(key, 0))
            if snapshot.is_done(self.rounds):
                del self.open[key]
                emit({"event": "done", "cell": spec.name})

    def _stamp(self, spec: CellSpec) -> object:
        """Return what changes when a cell's files do, None where there are none."""
        found = []
        for name in (CELL, ROUNDS):
            try:
                status = (self.store.cell_of(spec).path / name).stat()
            except OSError:
                continue
            found.append((name, status.st_mtime_ns, status.st_ino, status.st_size))
        return found or None


@contextmanager
def following(store: Store, cells: Sequence[CellSpec], rounds: int | None, emit: Emit) -> Iterator[None]:
    """Emit what happens to cells for the length of a block, from a thread; what was there before is not told."""
    follower, over = Follower(store, cells, rounds), threading.Event()

    def follow() -> None:
        pause = POLL_SECONDS
        while not over.wait(pause):
            begun = time.monotonic()
            follower.look(emit)
            pause = max(POLL_SECONDS, SHARE * (time.monotonic() - begun))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        follower.look(emit)
