"""Using a store as a user would, in this process, and keeping every word and every fault of it."""

from __future__ import annotations

import io
import json
import re
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from albench import AlbenchError, api
from albench.executors.here import Here
from albench.study.study import Request
from albench_datasets.sources import published
from tests.soak.common import Cell, Results, results, tensors

FOREIGN = re.compile(r"\b[A-Z]\w*(Error|Exception): ")  # how a reason begins that is no sentence of albench's


@dataclass
class Seen:
    """What a store said: results, words (warnings, errors, reasons), refusals and tracebacks by step."""

    before: Results | None = None
    after: Results | None = None
    weights: dict[tuple[str, Cell], dict[str, bytes]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    tracebacks: dict[str, str] = field(default_factory=dict)

    def names(self, cell: Cell) -> bool:
        """Return whether a word names a cell: by its folder, or as frames and the command line do."""
        scenario, strategy, seed = cell
        sign = re.compile(rf"\b{re.escape(scenario)}\b.*\b{re.escape(strategy)}(/seed-{seed}-| / seed {seed}\b)")
        return any(sign.search(word) for word in self.words)


def observe(store: Path, request: dict[str, Any]) -> Seen:
    """Load a store, ask for its status and report, run a request of more on it, and load it again."""
    seen = Seen()
    seen.before = _step(seen, "load", lambda: results(store))
    _step(seen, "status", lambda: _status(seen, store))
    _step(seen, "report", lambda: _command("report", store, "-o", store.parent / "report.html"))
    _step(seen, "resume", lambda: _resume(seen, store, request))
    seen.after = _step(seen, "load again", lambda: results(store))
    seen.weights = tensors(store)
    return seen


def run_here(store: Path, request: dict[str, Any]) -> api.Outcome:
    """Run a study in this process as a new one would: what it read before is forgotten."""
    published._published.cache_clear()
    planned = api.plan(Request(**request), store)
    return api.perform(planned, Here(), "cpu", 1, ["albench", "run"], report=False)


def _step(seen: Seen, name: str, call: Callable[[], Any]) -> Any:
    errors = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, redirect_stderr(errors):
        warnings.simplefilter("always")
        try:
            found = call()
        except AlbenchError as error:
            seen.refused[name] = str(error)
            found = None
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is a fault
            seen.tracebacks[name] = f"{type(error).__name__}: {error}"
            found = None
    seen.words += [str(one.message) for one in caught] + errors.getvalue().splitlines()
    seen.words += [seen.refused[name]] if name in seen.refused else []
    return found


def _command(*words: object) -> str:
    """Run the command line in this process; AlbenchError with its sentence when it refuses."""
    from albench.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["albench", *map(str, words)]
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            if end.code == 2:
                raise AlbenchError(err.getvalue()) from None
    sys.stderr.write(err.getvalue())
    return out.getvalue()


def _status(seen: Seen, store: Path) -> None:
    for one in json.loads(_command("status", store, "--format", "json")):
        if one["status"] != "done":
            seen.words.append(
                f"{one['scenario']} / {one['strategy']} / seed {one['seed']}: {one['status']}: {one['reason']}"
            )


def _resume(seen: Seen, store: Path, request: dict[str, Any]) -> None:
    for one in run_here(store, request).statuses:
        if one.status != "done":
            seen.words.append(f"{one.scenario} / {one.strategy} / seed {one.seed}: {one.status}: {one.reason}")
            if FOREIGN.match(one.reason):
                seen.tracebacks["resume"] = one.reason
