"""Who is ahead, by how much, and whether the seeds can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pandas as pd

from albench import Content, Figure, Note, Part, ReportSection, Results, Table
from albench.analysis import best_target, leaderboards, line_summary, savings
from albench_reports import draw
from albench_reports.page.palette import family
from albench_reports.sections.shared.choices import references
from albench_reports.sections.shared.headline import headline, limits
from albench_reports.sections.shared.leaderboard_columns import COLUMNS, LINES, REASON
from albench_reports.sections.shared.ranked import competing, ranks
from albench_reports.wording import percent, points, span

_FEWER = (
    "{offered} of {total} strategies can be chosen as the reference on this page; albench report --reference NAME "
    "writes it for any other."
)


@dataclass(frozen=True)
class Leaderboard(ReportSection):
    """Strategies by the area under their accuracy curve, with the paired difference to a reference."""

    title: ClassVar[str] = "Leaderboard"
    order: ClassVar[int] = 100

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return a leaderboard for every strategy as the reference, each setting's target, and the reference lines."""
        needed = _needed(results)
        boards = leaderboards(results.areas, references(results) or [""], competing(results))
        frames = {f"board {name}": _with_savings(board, needed, name) for name, board in boards.items()}
        frames["targets"] = needed[["setting", "target"]].drop_duplicates(ignore_index=True)
        frames["lines"] = line_summary(results.rounds.iloc[:0] if results.lines is None else results.lines)
        return frames

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return one table a setting and reference, and the differences as a figure."""
        targets = dict(zip(frames["targets"]["setting"], frames["targets"]["target"], strict=True))
        lines = _lines(frames["lines"])
        if results.rounds.empty:
            failed = [
                Table(board, "Strategies without a finished cell", REASON) for board in _nonempty(frames["board "])
            ]
            return Content("No cell has finished yet, so there is nothing to compare.", [*failed, *lines])
        sentences: list[Note] = []
        warnings: list[Note] = []
        parts: list[Part] = []
        for setting in dict.fromkeys(results.cells["setting"]):
            for reference in references(results):
                board = frames[f"board {reference}"]
                here = board[board["setting"] == setting]
                when = {"reference": reference}
                parts += _parts(here, setting, reference, targets.get(setting))
                sentences.append(Note(headline(here, setting, reference, targets.get(setting)), when))
                warnings += [Note(text, when) for text in limits(here, setting, reference)]
        if len(references(results)) < len(results.strategies):
            parts.append(Note(_FEWER.format(offered=len(references(results)), total=len(results.strategies))))
        return Content("", [*parts, *lines], warnings, sentences=sentences)


def _nonempty(board: pd.DataFrame) -> list[pd.DataFrame]:
    return [board] if len(board) else []


def _lines(lines: pd.DataFrame) -> list[Part]:
    """Return the table of reference lines, where there are some."""
    caption = "Reference lines: they may have what no strategy may, so they are drawn and never ranked"
    return [Table(lines, caption, LINES)] if len(lines) else []


def _needed(results: Results) -> pd.DataFrame:
    """Return the labels of each cell to the target of its setting."""
    labels = results.target_labels
    chosen = {setting: best_target(own, results.reference) for setting, own in labels.groupby("setting", sort=False)}
    return labels[labels["target"] == labels["setting"].map(chosen)]


def _with_savings(board: pd.DataFrame, needed: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return a leaderboard with label savings at the settings' targets."""
    board["ranks"] = [ranks(row) for row in board.to_dict("records")]
    board["claim"] = board["verdict"].where(board["reason"] == "", board["reason"])
    board["family"] = board["strategy"].map(family)
    if needed.empty:
        return board.assign(saved="", saving=float("nan"))
    saved = savings(needed, reference)
    board = board.merge(saved.drop(columns="n_pairs"), on=["setting", "strategy"], how="left")
    said = [_saving_in_words(row).replace(" %", "\N{NO-BREAK SPACE}%") for row in board.to_dict("records")]
    return board.assign(saved=said)


def _saving_in_words(row: Mapping[Any, Any]) -> str:
    """Return the median saving, or what censoring leaves of it."""
    low, high = row["median_low"], row["median_high"]
    if pd.isna(low):
        return ""
    if low == high:
        return percent(low)
    if high >= 1:
        return f"≥ {percent(low)}" if low > float("-inf") else "not reached by either"
    return f"≤ {percent(high)}" if low == float("-inf") else f"{percent(low)} to {percent(high)}"


def _parts(board: pd.DataFrame, setting: str, reference: str, target: float | None) -> list[Table | Figure]:
    if board.empty:
        return []
    caption = f"{setting}: every strategy compared with {reference}, paired by seed"
    saved_to = "Labels saved" if target is None else f"Labels saved to {percent(target)}"
    columns = [replace(column, label=saved_to) if column.name == "saved" else column for column in COLUMNS]
    table = Table(board, caption, columns, group="family", when={"reference": reference})
    compared = board[board["accuracy_difference"].notna()]
    return [table, _forest(compared, setting, reference)] if len(compared) else [table]


def _difference_in_words(row: Mapping[Any, Any]) -> str:
    said = f"{row['strategy']} {points(row['accuracy_difference'])}"
    low, high = row["accuracy_difference_low"], row["accuracy_difference_high"]
    return said if pd.isna(low) else f"{said} ({span(points(low), points(high))})"


def _forest(board: pd.DataFrame, setting: str, reference: str) -> Figure:
    """Return the paired differences with their intervals, best on top."""
    rows = board.iloc[::-1].to_dict("records")
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": row["strategy"],
            "legendgroup": row["strategy"],
            "x": [100 * row["accuracy_difference"]],
            "y": [row["strategy"]],
            "error_x": draw.error_bar(*(100 * row[f"accuracy_difference{bound}"] for bound in ("", "_low", "_high"))),
            "hovertemplate": "%{x:+.2f} points<extra></extra>",
            "meta": {"role": "mean"},
        }
        for row in rows
    ]
    layout = {
        "height": 90 + 30 * len(rows),
        "hovermode": "closest",
        "xaxis": {"title": {"text": f"Difference to {reference}, points"}, "zeroline": True},
        "yaxis": {"type": "category", "gridcolor": "rgba(0,0,0,0)"},
    }
    said = [_difference_in_words(row) for row in reversed(rows)]
    return Figure(
        {"data": traces, "layout": layout},
        f"{setting}: paired differences to {reference} with 95 % intervals that hold together",
        summary=f"Difference in mean accuracy to {reference}, in points: {'; '.join(said)}.",
        method="An interval that holds 0 does not tell a strategy from the reference. The intervals are those of the "
        "table: wide enough that with 95 % confidence none of them misses its true difference.",
        wide=True,
        when={"reference": reference},
    )
