"""Where cells stand, in words."""

from __future__ import annotations

from collections import Counter

from albench.store.names import named, short_names
from albench.store.reader import CellStatus
from albench.study.spec import PARTS


def setting_names(statuses: list[CellStatus]) -> dict[str, str]:
    """Return the short names of the cells' settings, by their labels."""
    return short_names({one.setting: {part: named(getattr(one, part)) for part in PARTS} for one in statuses})


def summary(statuses: list[CellStatus]) -> str:
    """Return the counts in words: "14 of 15 cells done; 1 failed"."""
    counts = Counter(one.status for one in statuses)
    others = [f"{counts[name]} {name}" for name in ("running", "failed", "damaged", "missing") if counts[name]]
    return "; ".join([f"{counts['done']} of {len(statuses)} cells done", *others])
