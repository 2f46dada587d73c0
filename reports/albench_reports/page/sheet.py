"""A contact sheet as one HTML page that needs nothing else: what to label next, to look at and to print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from albench import ContactSheet, Picture, reason
from albench_reports.page import bundle
from albench_reports.page.templates import environment
from albench_reports.pictures import strip
from albench_reports.wording import percent

MOST = 1000  # entries of a page; the table beside it has all
SIDE = 160  # pixels of a picture


@dataclass(frozen=True)
class Entry:
    """One example as the page shows it."""

    rank: int
    file: str
    guess: str  # the predicted class and its probability
    score: str  # "" where there is none
    picture: Picture | None = None
    failure: str = ""  # why there is no picture


def render_sheet(sheet: ContactSheet) -> str:
    """Return the page as text."""
    return (
        environment()
        .get_template("sheet.html.j2")
        .render(
            sheet=sheet,
            entries=list(_entries(sheet)),
            n_left_out=max(0, len(sheet.frame) - MOST),
            style=bundle.asset("page.css") + bundle.asset("sheet.css"),
        )
    )


def _entries(sheet: ContactSheet) -> Iterator[Entry]:
    for place, row in enumerate(sheet.frame.head(MOST).to_dict("records")):
        picture, failure = _picture(sheet, place)
        yield Entry(
            rank=int(row["rank"]),
            file=str(row["file"]),
            guess=f"{row['predicted_class']}, {percent(row['probability'])}",
            score="" if pd.isna(row["score"]) else f"{row['score']:.4g}",
            picture=picture,
            failure=failure,
        )


def _picture(sheet: ContactSheet, place: int) -> tuple[Picture | None, str]:
    """Return a small picture, or why there is none: a file may have gone since it was read."""
    if sheet.picture is None:
        return None, ""
    try:
        return strip([sheet.picture(place)], f"The image of rank {place + 1}", "", "", SIDE), ""
    except Exception as error:  # noqa: BLE001 - without one of its pictures the page is still a page
        return None, f"It cannot be shown: {reason(error)}"
