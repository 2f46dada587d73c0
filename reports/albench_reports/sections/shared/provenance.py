"""Where results come from, and what is mixed in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from albench.analysis import words
from albench_reports.wording import count

Records = Sequence[Mapping[str, Any]]


def as_text(value: Any) -> str:
    """Return a stored value as a reader wants it."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def provenance_table(records: Records) -> pd.DataFrame:
    """Return the provenance of each cell as text, one row a cell; notes of the data have a table of their own."""
    rows = [{name: as_text(value) for name, value in record.items() if name != "data_notes"} for record in records]
    return pd.DataFrame(rows)


def data_notes_table(records: Records) -> pd.DataFrame:
    """Return what scenarios noted of their data: scenario, note. Each once, in the order of the cells."""
    notes = dict.fromkeys(
        (record["scenario"], str(note)) for record in records for note in record.get("data_notes", [])
    )
    return pd.DataFrame(list(notes), columns=["scenario", "note"])


def hardware(record: Mapping[str, Any]) -> str:
    """Return what a cell ran on: the GPU where it used one, else the CPU and its threads."""
    if record.get("gpu"):
        return f"{record['gpu']} (driver {record.get('driver') or 'unknown'})"
    return f"{record.get('cpu') or 'unknown CPU'}, {count(int(record.get('threads') or 1), 'thread')}"


def environment_table(records: Records) -> pd.DataFrame:
    """Return what the cells ran on and with: item, value, cells. A cell that was resumed elsewhere counts at both."""
    found: dict[tuple[str, str], set[tuple[str, str, int]]] = {}
    for record in records:
        cell = (record["setting"], record["strategy"], record["seed"])
        for item, value in _environment(record).items():
            found.setdefault((item, value), set()).add(cell)
    items = list(dict.fromkeys(item for item, _ in found))
    rows = [(item, value, len(cells)) for (item, value), cells in found.items()]
    rows.sort(key=lambda row: (items.index(row[0]), row[1]))
    return pd.DataFrame(rows, columns=["item", "value", "cells"])


def _environment(record: Mapping[str, Any]) -> dict[str, str]:
    versions = {name: str(version) for name, version in record.get("versions", {}).items()}
    git = record.get("git")
    commit = f"{git['commit'][:12]}{' and uncommitted changes' if git.get('dirty') else ''}" if git else "none"
    python = str(record.get("python", "unknown"))
    return {"hardware": hardware(record), "Python": python, **versions, "albench commit": commit}


def mixtures(records: Records) -> list[str]:
    """Return what limits comparisons: hardware or versions that are mixed, code that was not committed."""
    table = environment_table(records)
    said = []
    for item, own in table.groupby("item", sort=False):
        if len(own) < 2:
            continue
        values = words([f"{value} ({count(n, 'cell')})" for value, n in zip(own["value"], own["cells"], strict=True)])
        if item == "hardware":
            said.append(f"Mixed hardware: {values}. Times do not compare, and the last bits of results may differ.")
        else:
            said.append(f"Mixed versions: {item} {values}.")
    dirty = table.loc[table["value"].str.endswith("uncommitted changes"), "cells"].max() if len(table) else 0
    if dirty > 0:
        said.append(f"{count(dirty, 'cell')} ran from a checkout of albench with changes that were not committed.")
    return said


def unequal_starts(cells: pd.DataFrame) -> list[str]:
    """Return where cells of one seed did not start from one network, so that their pairs are none: in a warning."""
    known = cells[cells["initial_sha256"] != ""]
    networks = known.groupby(["setting", "seed"])["initial_sha256"].nunique()
    unequal = networks[networks > 1].index.tolist()
    if not unequal:
        return []
    setting, seed = unequal[0]
    more = f", and at {count(len(unequal) - 1, 'more seed')}" if len(unequal) > 1 else ""
    return [
        f"Unequal starts: the strategies of {setting} do not all start from the same network at seed {seed}{more}; it "
        "was trained more than once, on other hardware or versions, so that pairs differ in more than the strategy."
    ]
