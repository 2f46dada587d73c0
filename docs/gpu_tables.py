"""What one file of `benchmarks/gpu.py` says, as text and tables for docs/emoc.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def measured_text(result: Row) -> str:
    """Return the text on one device."""
    device, sections = result["device"], result["sections"]
    versions = device["versions"]
    software = f"driver {device['driver']}, torch {versions['torch']}, triton {versions['triton']}"
    parts = [
        f"### {device['name']}\n",
        f"Measured on {result['when'][:10]} at commit {result['commit']} with {software}:",
        f"`benchmarks/results/{result['source']}`. {_cuts(sections)}\n",
        _tests(_rows(sections, "tests")),
        _products(_rows(sections, "products")),
        _queries(_rows(sections, "queries")),
        _training(_rows(sections, "training"), _rows(sections, "cells")),
    ]
    return "\n".join(part for part in parts if part)


def _rows(sections: Row, name: str) -> Sequence[Row]:
    found: Sequence[Row] = sections[name]["rows"] if name in sections else []
    return found


def _cuts(sections: Row) -> str:
    wrong = [f"{name} ({found['state']})" for name, found in sections.items() if found["state"] != "done"]
    return f"Not complete: {', '.join(wrong)}." if wrong else "Every section came to its end."


def _tests(rows: Sequence[Row]) -> str:
    counts = Counter(row["outcome"] for row in rows if "outcome" in row)
    if not counts:
        return "The tests marked `gpu` have not run there.\n"
    failed = sorted({row["test"] for row in rows if row.get("outcome") in ("failed", "error")})
    names = f": {', '.join(f'`{name}`' for name in failed)}" if failed else ""
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    return f"Tests marked `gpu`: {told}{names}.\n"


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    ruled = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in ruled) + "\n" if lines else ""


def _products(rows: Sequence[Row]) -> str:
    library = {_place(row): row for row in rows if row.get("method") == "library" and not row["error"]}
    lines = []
    for row in rows:
        if row.get("method") != "kernel" or _place(row) not in library:
            continue
        other = library[_place(row)]
        start = [row["path"], f"{row['k']:,}", str(row["classes"]), row["precision"], _ms(other["seconds"])]
        if row["error"]:
            lines.append([*start, row["error"], "", "", ""])
            continue
        ratio = f"{other['seconds'] / row['seconds']:.2f}"
        errors = [f"{one['largest_relative_error']:.0e}" for one in (other, row)]
        lines.append([*start, _ms(row["seconds"]), ratio, *errors])
    heads = ["path", "K", "classes", "precision", "library, ms", "kernel, ms", "times as fast", "its error"]
    return _table([*heads[:7], "library's largest error", "kernel's"], lines)


def _place(row: Row) -> tuple[Any, ...]:
    return row["k"], row["classes"], row.get("precision")


def _queries(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        start = [row["path"], row["precision"], row["method"]]
        if row["error"]:
            lines.append([*start, row["error"], "", "", "", ""])
            continue
        error = f"{row['rms_relative_error']:.1e}" if "rms_relative_error" in row else "-"
        bits = {True: "same", False: "other", None: "-"}[row.get("repeats_bitwise")]
        lines.append(
            [*start, f"{row['seconds']:.3g}", _gb(row["peak_bytes"]), str(row.get("rank") or "-"), error, bits]
        )
    source = f"A query at the reference size ({rows[0]['source']}), each the second of two:\n\n" if rows else ""
    heads = ["path", "precision", "product", "seconds", "peak memory, GB", "r", "rms error", "bits of both"]
    return source + _table(heads, lines)


def _training(alone: Sequence[Row], cells: Sequence[Row]) -> str:
    lines = [f"- Training alone, {row['precision']}: {row['error'] or _one_training(row)}" for row in alone]
    lines += [_cells(row) for row in cells]
    return "\n".join(lines) + "\n" if lines else ""


def _one_training(row: Row) -> str:
    bits = "the same bits twice" if row["repeats_bitwise"] else "other bits the second time"
    return f"{row['milliseconds_an_iteration']:.3g} ms an iteration, {_gb(row['peak_bytes'])} GB, {bits}"


def _cells(row: Row) -> str:
    at_once = f"{row['jobs']} at a time"
    if row["done"] < row["cells"]:
        return f"- {row['done']} of {row['cells']} cells were done, {at_once}: {'; '.join(row['failures'])}"
    same = {True: "; the same results", False: "; OTHER RESULTS", None: ""}[row.get("same_results")]
    each = f"{row['milliseconds_an_iteration']:.3g} ms an iteration in each"
    together = f"{row['iterations_a_second_together']:.0f} iterations a second together"
    return f"- {row['cells']} cells, {at_once}: {each}, {together}, {row['seconds']:.0f} s in all{same}"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g}"


def _gb(number: int | None) -> str:
    return "-" if number is None else f"{number / 1e9:.2f}"
