"""The leaderboard at the end of a run, in text."""

from __future__ import annotations

from pathlib import Path

import typer

from albench.cli.output import Format, show_rows


def print_leaderboard(store: Path) -> None:
    """Print mean accuracy over rounds and its paired difference to `random`, best first."""
    from albench.analysis.leaderboard import leaderboard
    from albench.results import load

    frame = leaderboard(load(store), reference="random")
    if frame.empty:
        return
    rows = [
        {
            "scenario": row["scenario"],
            "strategy": row["strategy"],
            "seeds": row["n_seeds"],
            "accuracy": f"{row['accuracy_area']:.1%}",
            "vs random": _difference(row),
            "final": f"{row['accuracy_final']:.1%}",
            "classes": f"{row['classes_area']:.1f}",
            "query s": f"{row['query_seconds']:.3g}",
        }
        for row in frame.to_dict("records")
    ]
    typer.echo("")
    show_rows(rows, Format.table, list(rows[0]))
    typer.echo(
        "accuracy and classes: area under the curve over labelled images; vs random: paired by seed, 95 % interval\n"
    )


def _difference(row: dict[str, float]) -> str:
    if row["accuracy_difference"] != row["accuracy_difference"]:  # NaN: nothing to compare with
        return "-"
    text = f"{100 * row['accuracy_difference']:+.2f}"
    low, high = row["accuracy_difference_low"], row["accuracy_difference_high"]
    return text if low != low else f"{text} [{100 * low:+.2f}, {100 * high:+.2f}]"
