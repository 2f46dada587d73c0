"""Draw the figures of docs/emoc.md from measurements.

pytest benchmarks -k emoc --benchmark-json=emoc.json
python benchmarks/figures.py emoc.json docs/emoc
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

LABELS = {
    "candidates": ("candidates N'", "candidates"),
    "images": ("images N", "images"),
    "classes": ("classes C", "classes"),
    "width": ("parameters P", "parameters"),
}


def main() -> None:
    """Draw what the measurements hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measurements", type=Path, nargs="+")
    parser.add_argument("folder", type=Path)
    words = parser.parse_args()
    found = [one for path in words.measurements for one in json.loads(path.read_text(encoding="utf-8"))["benchmarks"]]
    words.folder.mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update(
        {"svg.hashsalt": "albench", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    )
    drawings = {"emoc side by side": draw_paths, "emoc cost": draw_growth, "emoc rank": draw_errors}
    for group, draw in drawings.items():
        rows = [one["extra_info"] for one in found if one["group"] == group]
        if rows:
            figure = draw(rows)
            path = words.folder / f"{draw.__name__.removeprefix('draw_')}.svg"
            figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
            print(path)


def draw_paths(rows: list[dict[str, Any]]) -> plt.Figure:
    """Return bars of the seconds of a whole query, by path."""
    rows = sorted(rows, key=lambda row: -row["seconds"])
    figure, axes = plt.subplots(figsize=(7, 0.5 * len(rows) + 1))
    bars = axes.barh([row["path"] for row in rows], [row["seconds"] for row in rows], color="#4477aa")
    axes.bar_label(bars, [f"{row['seconds']:.3g} s" for row in rows], padding=3)
    axes.set(xscale="log", xlabel="processor seconds of a query at the reference size")
    return figure


def draw_growth(rows: list[dict[str, Any]]) -> plt.Figure:
    """Return how cost grows with each quantity, relative to a common base, on logarithmic axes."""
    figure, axes = plt.subplots(figsize=(6, 4))
    for quantity, (label, column) in LABELS.items():
        chosen = sorted((row for row in rows if row["varied"] == quantity), key=lambda row: row[column])
        base = chosen[1]
        xs = [row[column] / base[column] for row in chosen]
        axes.plot(xs, [row["cpu_seconds"] / base["cpu_seconds"] for row in chosen], marker="o", label=label)
    axes.plot([0.5, 4], [0.5, 4], color="grey", linestyle=":", label="proportional")
    axes.set(xscale="log", yscale="log", xlabel="relative size", ylabel="relative seconds, exact path")
    axes.legend(frameon=False)
    return figure


def draw_errors(rows: list[dict[str, Any]]) -> plt.Figure:
    """Return the error of low-rank scores by rank, a line a network."""
    figure, axes = plt.subplots(figsize=(6, 4))
    for row in sorted(rows, key=lambda row: row["iterations"]):
        errors = {int(rank): error for rank, error in row["rms_errors"].items()}
        axes.plot(list(errors), list(errors.values()), marker="o", label=f"{row['iterations']} iterations")
    axes.axhline(0.01, color="grey", linestyle=":", label="default tolerance")
    axes.set(xscale="log", yscale="log", xlabel="rank r", ylabel="rms relative error of the scores")
    axes.set_xticks(list(errors), [str(rank) for rank in errors])
    axes.minorticks_off()
    axes.legend(frameon=False)
    return figure


if __name__ == "__main__":
    main()
