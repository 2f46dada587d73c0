"""From a store to frames."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from albench.contracts.report import Results
from albench.store import Store

PASSIVE = "random"
COLUMNS = {
    "scenario": "str",
    "strategy": "str",
    "seed": "int64",
    "round": "int64",
    "n_labeled": "int64",
    "accuracy": "float64",
    "accuracy_known": "float64",
    "accuracy_novel": "float64",
    "n_classes": "int64",
    "n_novel_found": "int64",
    "query_class": "object",
    "query_is_novel": "boolean",
    "query_label": "Int64",
    "query_seconds": "float64",
    "train_seconds": "float64",
    "eval_seconds": "float64",
    "peak_memory_bytes": "Int64",
    "query_indices": "object",
    "notes": "object",
}


def load(store: str | Path, unfinished: bool = False) -> pd.DataFrame:
    """Return a store's results, one row a round, columns as in docs/protocol.md.

    Only cells that are done count, unless `unfinished` asks for what the others have recorded too. `query_indices`
    are rows of the scenario's images. Raises StoreError for a folder that is no store.
    """
    opened = Store(Path(store))
    study = opened.study()
    wanted = study["protocol"]["rounds"]
    rows: list[dict[str, Any]] = []
    for cell in study["cells"]:
        folder = opened.cell(**cell)
        if unfinished or folder.status(wanted)[0] == "done":
            rows.extend(folder.rows(wanted))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(COLUMNS)


def choose_reference(strategies: Iterable[str]) -> str:
    """Return the strategy that others are compared with: random where it is, else the first."""
    names = list(dict.fromkeys(strategies))
    return names[0] if names and PASSIVE not in names else PASSIVE


def collect(store: str | Path) -> Results:
    """Return everything that a report is made from."""
    opened = Store(Path(store))
    study = opened.study()
    statuses = opened.statuses()
    infos = [opened.cell(**cell).info() for cell in study["cells"]]
    columns = ["scenario", "strategy", "seed", "status", "reason", "rounds"]
    rounds = load(store)
    return Results(
        name=study["name"],
        rounds=rounds,
        cells=pd.DataFrame([vars(status) for status in statuses], columns=columns),
        provenance=[
            {
                "scenario": status.scenario,
                "strategy": status.strategy,
                "seed": status.seed,
                **info["provenance"],
            }
            for status, info in zip(statuses, infos, strict=True)
            if status.status == "done" and "provenance" in info
        ],
        study=study,
        reference=choose_reference(rounds["strategy"]),
    )
