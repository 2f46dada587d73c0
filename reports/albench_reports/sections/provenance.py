"""Where results come from, and what is mixed in them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from albench.analysis.intervals import words
from albench_reports.wording import count

Records = Sequence[Mapping[str, Any]]


def as_text(value: Any) -> str:
    """Return a stored value as a reader wants it."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def provenance_table(records: Records) -> pd.DataFrame:
    """Return the provenance of each cell as text, one row a cell."""
    return pd.DataFrame([{name: as_text(value) for name, value in record.items()} for record in records])


def hardware(record: Mapping[str, Any]) -> str:
    """Return what a cell ran on: the GPU where it used one, else the CPU and its threads."""
    if record.get("gpu"):
        return f"{record['gpu']} (driver {record.get('driver') or 'unknown'})"
    return f"{record.get('cpu') or 'unknown CPU'}, {count(int(record.get('threads') or 1), 'thread')}"


def environment_table(records: Records) -> pd.DataFrame:
    """Return what the cells ran on and with: item, value, n_cells."""
    items: dict[str, Counter[str]] = {"hardware": Counter(hardware(record) for record in records)}
    items["Python"] = Counter(str(record.get("python", "unknown")) for record in records)
    for record in records:
        for name, version in record.get("versions", {}).items():
            items.setdefault(name, Counter())[str(version)] += 1
    items["albench commit"] = Counter(_commit(record) for record in records if record.get("git"))
    rows = [(item, value, n) for item, values in items.items() for value, n in sorted(values.items())]
    return pd.DataFrame(rows, columns=["item", "value", "n_cells"])


def mixtures(records: Records) -> list[str]:
    """Return what limits comparisons: hardware or versions that are mixed, code that was not committed."""
    table = environment_table(records)
    said = []
    for item, own in table.groupby("item", sort=False):
        if len(own) < 2:
            continue
        values = words([f"{value} ({count(n, 'cell')})" for value, n in zip(own["value"], own["n_cells"], strict=True)])
        if item == "hardware":
            said.append(f"Mixed hardware: {values}. Times do not compare, and the last bits of results may differ.")
        else:
            said.append(f"Mixed versions: {item} {values}.")
    dirty = sum(bool((record.get("git") or {}).get("dirty")) for record in records)
    if dirty:
        said.append(f"{count(dirty, 'cell')} ran from a checkout of albench with changes that were not committed.")
    return said


def _commit(record: Mapping[str, Any]) -> str:
    git = record["git"]
    return f"{git['commit'][:12]}{' and uncommitted changes' if git.get('dirty') else ''}"
