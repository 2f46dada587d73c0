"""The leaderboard at the end of a run, in text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from albench.cli.output import Format, show_rows


def print_leaderboard(*stores: Path) -> None:
    """Print mean accuracy over rounds and its paired difference to the reference, best first; stores are merged."""
    from albench.analysis import leaderboard, line_summary, without_lines
    from albench.store.results import choose_reference, load_named

    rounds, lines = without_lines(load_named(*stores))
    reference = choose_reference(rounds["strategy"])
    frame = leaderboard(rounds, reference)
    if frame.empty:
        return
    rows = [_row(row, reference) for row in frame.to_dict("records")]
    typer.echo("")
    show_rows(rows, Format.table, list(rows[0]))
    typer.echo(
        "accuracy (in %) and classes: area under the curve over labelled images; "
        f"vs {reference}: points, paired by seed, with 95 % intervals that hold together; strategies without "
        "a common letter of group are told apart"
    )
    for row in line_summary(lines).to_dict("records"):
        typer.echo(
            f"{row['setting']} / {row['strategy']}, a reference line ({row['permission']}): accuracy "
            f"{100 * row['accuracy_final']:.1f} at its end"
        )
    missing = frame[(frame["missing_pairs"] > 0).fillna(False)]
    for row in missing.to_dict("records"):
        typer.echo(f"{row['setting']} / {row['strategy']}: no pair with {reference} at seed {row['missing_seeds']}")
    if (frame["n_pairs"] == 1).any():
        typer.echo("one seed gives no interval: ask for more with --seeds")
    typer.echo("")


def _row(row: Mapping[Any, Any], reference: str) -> dict[str, Any]:
    return {
        "setting": row["setting"],
        "strategy": row["strategy"],
        "seeds": row["n_seeds"],
        "accuracy": f"{100 * row['accuracy_area']:.1f}",
        f"vs {reference}": _difference(row),
        "group": row["group"],
        "final": f"{100 * row['accuracy_final']:.1f}",
        "classes": f"{row['classes_area']:.1f}",
        "query s": f"{row['query_seconds']:.3g}",
    }


def _difference(row: Mapping[Any, Any]) -> str:
    if math.isnan(row["accuracy_difference"]):
        return "-"
    text = f"{100 * row['accuracy_difference']:+.2f}"
    low, high = row["accuracy_difference_low"], row["accuracy_difference_high"]
    return text if math.isnan(low) else f"{text} [{100 * low:+.2f}, {100 * high:+.2f}]"
