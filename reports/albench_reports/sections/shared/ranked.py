"""Who is ranked, and between which ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from albench import Results


def competing(results: Results) -> pd.DataFrame:
    """Return the cells of all strategies but the reference lines."""
    lines = [] if results.lines is None else list(results.lines["strategy"])
    return results.cells[~results.cells["strategy"].isin(lines)]


def ranks(row: Mapping[Any, Any]) -> str:
    """Return the ranks that a row of the leaderboard may have: "1", "2 to 5", "" without numbers."""
    low, high = row["rank_low"], row["rank_high"]
    if pd.isna(low):
        return ""
    return f"{low}" if low == high else f"{low} to {high}"
