"""Reference lines: what may see more than a strategy may is drawn as a line, listed apart, and never ranked."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from albench.analysis.curves import METRICS, area, mean_curves
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


def line_curves(lines: pd.DataFrame | None, rounds: pd.DataFrame, metrics: tuple[str, ...] = METRICS) -> pd.DataFrame:
    """Return the mean curve of each reference line beside those that compete in `rounds`.

    One row a (setting, strategy, metric, round): n_labeled, mean. A line of fewer rounds than these, since it labels
    everything at once, is level at where it ends.
    """
    columns = ["setting", "strategy", "metric", "round", "n_labeled", "mean"]
    pieces = [pd.DataFrame(columns=columns)]
    budgets = {str(setting): own.groupby("round")["n_labeled"].mean() for setting, own in rounds.groupby("setting")}
    curves = pieces[0] if lines is None else mean_curves(lines, metrics)
    for (setting, strategy, metric), own in curves.groupby(columns[:3], sort=False):
        budget = budgets.get(str(setting), own.set_index("round")["n_labeled"])
        if own["round"].max() < budget.index.max():
            level = pd.DataFrame({"round": budget.index, "n_labeled": budget.to_numpy(), "mean": own["mean"].iloc[-1]})
            own = level.assign(setting=str(setting), strategy=str(strategy), metric=str(metric))
        pieces.append(own[columns])
    return pd.concat(pieces[1:] or pieces, ignore_index=True)
