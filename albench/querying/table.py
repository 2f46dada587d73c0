"""The answer as a CSV file that people open in a spreadsheet: text that stays text."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pandas as pd

from albench.store.files import replacing

COLUMNS = ("rank", "file", "score", "predicted_class", "probability")
_FORMULA = ("=", "+", "-", "@")  # what a spreadsheet takes for a formula at the beginning of a cell
_HERE = "./"


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write the columns of an answer as CSV in UTF-8; WriteError.

    Its texts are printable. What a spreadsheet would take for a formula has "./" before it, which leaves a path the
    path that it is.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in frame[list(COLUMNS)].itertuples(index=False):
            writer.writerow([_cell(value) for value in row])


def file_named(cell: str) -> str:
    """Return the name of a file as it stood in a table before a cell was made of it."""
    return cell.removeprefix(_HERE)


def _cell(value: object) -> object:
    if isinstance(value, str):
        return _HERE + value if value.startswith(_FORMULA) else value
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    return value
