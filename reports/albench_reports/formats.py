"""The leaderboard for a paper, a README or a program: Markdown, LaTeX with booktabs, CSV and JSON."""

from __future__ import annotations

import html
import json
import math
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from albench import ReportFormat, Results, write_text
from albench.analysis import leaderboard, line_summary
from albench_reports.page.plain import plain
from albench_reports.sections.shared.ranked import competing, ranks
from albench_reports.wording import slugs

Row = Mapping[Any, Any]
_PARTS = ("scenario", "protocol", "learner", "network")
_PREAMBLE = r"% for the preamble: \usepackage{booktabs,siunitx} with siunitx 3"
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


@dataclass(frozen=True)
class LeaderboardFormat(ReportFormat):
    """A text made from the leaderboard against the study's reference."""

    def write(self, results: Results, path: Path) -> Path:
        """Write the text and return its path."""
        board = leaderboard(results.rounds, results.reference, competing(results))
        write_text(path, plain(self.text(board, results)))
        return path

    @abstractmethod
    def text(self, board: pd.DataFrame, results: Results) -> str:
        """Return the leaderboard as text; `board` is that of `albench.analysis.leaderboard`."""


@dataclass(frozen=True)
class Csv(LeaderboardFormat):
    """The leaderboard's raw numbers as comma-separated values, one row a setting and strategy."""

    suffix: ClassVar[str] = ".csv"

    def text(self, board: pd.DataFrame, results: Results) -> str:
        """Return the parts of each setting, all columns of the leaderboard and the reference's name."""
        settings = results.study["settings"]
        parts = {part: [settings[name][part]["label"] for name in board["setting"]] for part in _PARTS}
        labels = [settings[name]["label"] for name in board["setting"]]
        frame = pd.concat([pd.DataFrame(parts), board.assign(setting=labels, reference=results.reference)], axis=1)
        return str(frame.to_csv(index=False, lineterminator="\n"))


@dataclass(frozen=True)
class Json(LeaderboardFormat):
    """The leaderboard's raw numbers as JSON, with the coverage of the grid and the stores' checksums."""

    suffix: ClassVar[str] = ".json"

    def text(self, board: pd.DataFrame, results: Results) -> str:
        """Return one object; what cannot be had is null."""
        rows = [{name: _plain(value) for name, value in row.items()} for row in board.to_dict("records")]
        cells = results.cells["status"].value_counts()
        value = {
            "name": results.name,
            "reference": results.reference,
            "settings": {name: setting["label"] for name, setting in results.study["settings"].items()},
            "cells": {str(status): int(cells[status]) for status in sorted(cells.index)},
            "stores": list(results.stores),
            "leaderboard": rows,
            "reference_lines": [{name: _plain(value) for name, value in row.items()} for row in _line_rows(results)],
        }
        return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


@dataclass(frozen=True)
class Markdown(LeaderboardFormat):
    """The leaderboard as a Markdown table a setting."""

    suffix: ClassVar[str] = ".md"

    def text(self, board: pd.DataFrame, results: Results) -> str:
        """Return the tables, numbers in percent and points."""
        blocks = [f"# {_markdown(results.name)}\n"]
        for setting, own in board.groupby("setting", sort=False):
            lines = [_headings(results), ["---", *["---:"] * (len(_headings(results)) - 1)]]
            lines += [_cells(row) for row in own.to_dict("records")]
            table = "\n".join("| " + " | ".join(map(_markdown, line)) + " |" for line in lines)
            failed = "".join(f"\n{_markdown(said)}\n" for said in _unfinished(own))
            blocks.append(f"## {_markdown(str(setting))}\n\n{table}\n{failed}")
        return "\n".join([*blocks, _caption(results) + "\n"])


@dataclass(frozen=True)
class Latex(LeaderboardFormat):
    """The leaderboard as a LaTeX table a setting, for the packages booktabs and siunitx."""

    suffix: ClassVar[str] = ".tex"

    def text(self, board: pd.DataFrame, results: Results) -> str:
        """Return the tables; the source names the stores by checksum, so that a number can be traced."""
        traced = [f"% store {_one_line(store['store'])}: sha256 {store['sha256']}" for store in results.stores]
        own = {str(name): rows for name, rows in board.groupby("setting", sort=False)}
        labels = slugs(own)
        tables = [_latex_table(own[name], name, f"tab:{labels[name]}", results) for name in own]
        return "\n".join([*traced, _PREAMBLE, *tables])


def _line_rows(results: Results) -> list[dict[Any, Any]]:
    return [] if results.lines is None else line_summary(results.lines).to_dict("records")


def _latex_table(board: pd.DataFrame, setting: str, label: str, results: Results) -> str:
    """Return a setting's table, numbers in columns of siunitx, those of the best in bold."""
    said = [f"{results.name}, {setting}. {_caption(results)}", "Bold: no other is told to be better."]
    name, *numbers = _headings(results)
    interval = numbers[4]
    cells = pd.DataFrame([_cells(row) for row in board.to_dict("records")], columns=[name, *numbers])
    texts = {interval, *numbers[1:3]}
    columns = ["l", *("c" if heading in texts else _siunitx(cells[heading]) for heading in numbers)]
    cells[name] = [_latex(cell) for cell in cells[name]]
    cells[interval] = [re.sub(r"[+-][\d.]+", r"\\num{\g<0>}", cell) for cell in cells[interval]]
    bold = ["bfseries: ;" if one else "" for one in best(board)]
    style = cells.style.hide(axis="index").format_index(lambda heading: _latex(str(heading)), axis=1)
    style = style.apply(lambda _: bold, subset=[name, numbers[0]])
    style = style.set_table_styles([{"selector": "sisetup", "props": ":{text-series-to-math, retain-explicit-plus};"}])
    return style.to_latex(
        column_format="".join(columns),
        position="t",
        position_float="centering",
        hrules=True,
        siunitx=True,
        caption=_latex(" ".join([*said, *_unfinished(board)])),
        label=label,
    )


def best(board: pd.DataFrame) -> list[bool]:
    """Return which rows of a setting may be the best: no other one is told to be better."""
    return list((board["rank_low"] == 1).fillna(False))


def _siunitx(cells: pd.Series[str]) -> str:
    """Return the column of siunitx that has room for these numbers."""
    parts = [cell.lstrip("+-").partition(".") for cell in cells if cell]
    whole, after = (max([len(part[place]) for part in parts], default=0) for place in (0, 2))
    sign = "+" if cells.str.match("[+-]").any() else ""
    return f"S[table-format={sign}{max(whole, 1)}{f'.{after}' if after else ''}]"


def _headings(results: Results) -> list[str]:
    return [
        "Strategy",
        "Mean accuracy (%)",
        "Group",
        "Ranks",
        f"vs {results.reference} (points)",
        "95 % interval",
        "Final (%)",
        "Classes",
        "Seeds",
    ]


def _cells(row: Row) -> list[str]:
    low, high = row["accuracy_difference_low"], row["accuracy_difference_high"]
    return [
        str(row["strategy"]),
        _number(100 * row["accuracy_area"]),
        row["group"],
        ranks(row),
        _points(row["accuracy_difference"]),
        "" if math.isnan(low) else f"{_points(low)} to {_points(high)}",
        _number(100 * row["accuracy_final"]),
        _number(row["classes_area"]),
        str(row["n_seeds"]),
    ]


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.1f}"


def _unfinished(board: pd.DataFrame) -> list[str]:
    """Return a sentence for each strategy of a setting that has no numbers."""
    return [f"{row['strategy']}: {row['reason']}." for row in board[board["reason"] != ""].to_dict("records")]


def _points(difference: float) -> str:
    return "" if math.isnan(difference) else f"{100 * difference:+.2f}"


def _caption(results: Results) -> str:
    done = int((results.cells["status"] == "done").sum())
    return (
        "Mean accuracy and classes are areas under the curves over labelled images, divided by the budget; differences "
        "are paired by seed, and their 95 % intervals hold together for all comparisons with the reference; strategies "
        f"without a common letter of the group are told apart; {done} of {len(results.cells)} cells are done."
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _markdown(text: str) -> str:
    """Return a text with everything escaped that Markdown or its HTML would read."""
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", html.escape(_one_line(text), quote=False))


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in _one_line(text))


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it: NaN and NA are null, NumPy's numbers plain ones."""
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value
