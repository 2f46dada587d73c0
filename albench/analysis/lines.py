"""Reference lines: what may see more than a strategy may is drawn as a line, listed apart, and never ranked."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from albench.analysis.curves import area
from albench.analysis.pairs import groups

COLUMNS = ("setting", "strategy", "permission", "n_seeds", "accuracy_area", "accuracy_final", "n_classes_final")


def reference_lines(rounds: pd.DataFrame) -> dict[str, str]:
    """Return the reference lines among the strategies, with what they were permitted, as their rounds note it."""
    if rounds.empty or "notes" not in rounds:
        return {}
    noted = rounds["notes"].map(lambda notes: notes.get("permission") if isinstance(notes, Mapping) else None)
    is_noted = noted.notna()
    return dict(zip(rounds.loc[is_noted, "strategy"].map(str), noted[is_noted].map(str), strict=True))


def without_lines(rounds: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rounds of strategies that compete, and those of reference lines."""
    is_line = rounds["strategy"].isin(list(reference_lines(rounds)))
    return rounds[~is_line], rounds[is_line]


def line_summary(lines: pd.DataFrame) -> pd.DataFrame:
    """Return one row a (setting, reference line): permission, n_seeds, and means over seeds.

    `accuracy_area` is the area under its accuracy curve over its own budget, which nobody else's need be;
    `accuracy_final` and `n_classes_final` are those of its last round.
    """
    permissions = reference_lines(lines)
    rows = []
    for (setting, strategy), own in groups(lines):
        cells = [cell.sort_values("round") for _, cell in own.groupby("seed")]
        rows.append(
            {
                "setting": setting,
                "strategy": strategy,
                "permission": permissions[strategy],
                "n_seeds": len(cells),
                "accuracy_area": sum(float(area(one["n_labeled"], one["accuracy"])) for one in cells) / len(cells),
                "accuracy_final": sum(float(one["accuracy"].iloc[-1]) for one in cells) / len(cells),
                "n_classes_final": sum(float(one["n_classes"].iloc[-1]) for one in cells) / len(cells),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
