"""Writes docs/performance.md from the newest record of each kind of machine under benchmarks/results.

python docs/generate_performance.py            write the page
python docs/generate_performance.py --check    exit 1 when it is not current
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # `benchmarks` is no installed package

from benchmarks import record, table  # noqa: E402

PAGE = ROOT / "docs" / "performance.md"

INTRODUCTION = """\
# Performance

What `make bench` measured, in minutes, on each kind of machine: each table from the newest file under
`benchmarks/results` that has it, whose commit stands below it.
Floors, peers and our own code run in turn in one process, so that ratios hold where seconds do not: the machines are
shared. Seconds are processor seconds of one thread where nothing else is said. In bold stands what is remembered:
`make bench-compare` fails when such a ratio is more than 20 % worse than in the last record of the same kind of
machine. Figures of GPUs are in [emoc.md](emoc.md).

This page is written by `python docs/generate_performance.py`, and a test fails when it is not current.
"""
NOTHING = "\nNothing is stored yet: `make bench` writes the first record.\n"


def page(folder: Path = record.RESULTS) -> str:
    """Return the page."""
    records = record.read(folder)
    kinds = sorted({one["kind"] for one in records})
    parts = [_machine([one for one in records if one["kind"] == kind]) for kind in kinds]
    return INTRODUCTION + ("".join(parts) or NOTHING)


def stale() -> bool:
    """Return whether the page is missing or outdated."""
    return not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page()


def main() -> None:
    """Write the page, or check it."""
    if sys.argv[1:] == ["--check"]:
        if stale():
            sys.exit("docs/performance.md is not current; run python docs/generate_performance.py")
        return
    PAGE.write_text(page(), encoding="utf-8")


def _machine(records: Sequence[Mapping[str, Any]]) -> str:
    newest, tables = records[-1], record.latest(records)
    head = f"\n## {newest['kind']}\n\n{newest['processor']} ({', '.join(newest['instructions'])}).\n"
    return head + "".join(_table(title, tables[title]) for title in sorted(tables))


def _table(title: str, one: Mapping[str, Any]) -> str:
    rows = one["tables"][title]
    columns = list(dict.fromkeys(column for row in rows for column in row["cells"]))
    lines = [columns, ["---"] * len(columns), *[list(_cells(row, columns)) for row in rows]]
    changed = ", with changes that were not committed" if one["dirty"] else ""
    source = (
        f"torch {one['torch']}, threads: {one['threads']}, {one['date'][:10]}, "
        f"commit {one['commit'][: record.COMMIT]}{changed}"
    )
    return f"\n### {title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + f"\n{source}\n"


def _cells(row: Mapping[str, Any], columns: Sequence[str]) -> Iterator[str]:
    for column in columns:
        text = table.shown(row["cells"].get(column)).replace("|", "\\|")
        yield f"**{text}**" if column in row["better"] else text


if __name__ == "__main__":
    main()
