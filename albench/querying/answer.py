"""An answer: what to label next, as a frame, a CSV file and a page to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from albench.contracts.report import ContactSheet
from albench.contracts.scenario import Images
from albench.errors import RequestError, WriteError, reason
from albench.plugins.host import host
from albench.querying.table import write_table

SUFFIX = ".csv"


@dataclass(frozen=True)
class Answer:
    """What to label next, best first, and what is to be said of it.

    `frame` has the columns rank (from 1), file, score (NaN where the strategy selects without scores), predicted_class
    and probability, the network's of that class.
    """

    frame: pd.DataFrame
    sentences: Sequence[str]
    facts: dict[str, str]
    notes: Sequence[str]  # what was left out of the data
    stop: bool | None = None  # whether more labels stop paying; None where earlier answers are too few to tell
    picture: Callable[[int], Images] | None = field(default=None, repr=False)  # of a place in the frame

    def write(self, path: str | Path) -> list[Path]:
        """Write the CSV file, and beside it the contact sheet where a plugin draws one; return the paths.

        Raises RequestError for a path that cannot be written.
        """
        table = checked_target(path)
        written = [table]
        try:
            write_table(self.frame, table)
            if "html" in host().names("report-formats"):
                sheet = ContactSheet(table.stem, self.sentences, self.facts, self.frame, self.picture, self.notes)
                written.append(host().build("report-formats", "html", {}).write_sheet(sheet, sheet_beside(table)))
        except (OSError, WriteError) as error:
            raise RequestError(f"{table} cannot be written ({reason(error)}); give another with --output") from None
        return written


def sheet_beside(table: Path) -> Path:
    """Return where the contact sheet of an answer goes."""
    return table.with_suffix(".html")


def checked_target(path: str | Path) -> Path:
    """Return the path of an answer; RequestError for another suffix, and for one that is there already."""
    target = Path(path)
    if target.suffix.lower() != SUFFIX:
        raise RequestError(f"{target} does not end in {SUFFIX}; an answer is a CSV file")
    there = next((one for one in (target, sheet_beside(target)) if one.exists()), None)
    if there is not None:
        raise RequestError(
            f"{there} is there already, and --history may need it; name another file with --output, or delete it"
        )
    return target
