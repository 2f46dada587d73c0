"""What strategies noted with their rounds: approximations, warnings, permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from albench.analysis import groups, words
from albench_reports.wording import count

COLUMNS = ("setting", "strategy", "note", "n_rounds", "smallest", "median", "largest", "texts")


def notes_table(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return each note of each strategy, summed up over rounds and seeds; numbers and texts apart."""
    rows = []
    for (setting, strategy), own in groups(rounds):
        noted = [item for notes in own["notes"] if isinstance(notes, dict) for item in notes.items()]
        for name in sorted({name for name, _ in noted}):
            values = [value for other, value in noted if other == name]
            measured = pd.Series([value for value in values if isinstance(value, (int, float))], dtype=float)
            texts = list(dict.fromkeys(str(value) for value in values if isinstance(value, str)))
            row = {"setting": setting, "strategy": strategy, "note": name, "n_rounds": len(values)}
            row |= {"smallest": measured.min(), "median": measured.median(), "largest": measured.max()}
            rows.append({**row, "texts": words(texts, limit=4)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def noted_limits(notes: pd.DataFrame) -> list[str]:
    """Return what notes limit: approximations (`approximation` and errors named `..._error`), warnings, permissions."""
    said = []
    for row in notes.to_dict("records"):
        where, name = f"{row['setting']}: {row['strategy']}", str(row["note"])
        if name.endswith("_error") and row["largest"] > 0:
            said.append(
                f"{where} approximates its scores ({name}: median {row['median']:.2g}, largest {row['largest']:.2g})."
            )
        elif name == "approximation":
            said.append(f"{where} approximates its scores{_noted(row)}.")
        elif name == "warning":
            said.append(f"{where} warned in {count(row['n_rounds'], 'round')}{_noted(row)}.")
        elif name == "permission":
            said.append(f"{where} was permitted to see what others are not: {row['texts']}.")
    return said


def _noted(row: Mapping[Any, Any]) -> str:
    """Return what was noted, ": its texts" or ": its largest number", "" where it is neither."""
    found = row["texts"] or ("" if pd.isna(row["largest"]) else f"{row['largest']:.3g}")
    return f": {found}" if found else ""
