"""The report in one sentence a setting, made from its numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from albench.analysis import words
from albench_reports.wording import count, interval, percent, points

FEW = 6  # pairs below which the smallest signed-rank p, 2 / 2^N, exceeds .05


def headline(board: pd.DataFrame, labels: pd.DataFrame, target: float | None, setting: str, reference: str) -> str:
    """Return who is ahead on a setting, by how much, and whether it can be told from chance.

    `board` is the leaderboard against the reference, `labels` the median labels to the target, both of the setting.
    """
    others = board[board["strategy"] != reference]
    if others.empty:
        only = board.iloc[0]
        return (
            f"Only {only['strategy']} has finished on {setting}, with a mean accuracy of "
            f"{percent(only['accuracy_area'])} over the budget; there is nothing to compare it with."
        )
    best = others.iloc[0]
    if (board["strategy"] != reference).all():
        return (
            f"{best['strategy']} has the highest mean accuracy on {setting}, {percent(best['accuracy_area'])}; "
            f"{reference} has not finished there, so there is no paired difference."
        )
    leads = board.iloc[0]["strategy"] != reference
    start = (
        f"{best['strategy']} leads on {setting}"
        if leads
        else f"No strategy is ahead of {reference} on {setting}; {best['strategy']} comes next"
    )
    return f"{start}{_to_target(labels, target, str(best['strategy']), reference)}{_by_how_much(best, reference)}"


def _to_target(labels: pd.DataFrame, target: float | None, strategy: str, reference: str) -> str:
    if target is None:
        return ": "
    needed = labels.set_index("strategy")["median_labels"]
    own, other = needed.get(strategy), needed.get(reference)
    if pd.isna(own):
        return ": "
    ending = f"{reference} with {other:.0f}" if not pd.isna(other) else f"{reference} not at half of its seeds"
    return f": it reaches {percent(target)} with {own:.0f} queried labels, {ending} (medians over seeds); "


def _by_how_much(best: Any, reference: str) -> str:
    if best["n_pairs"] == 0:
        return f"no seed of it is paired with {reference}, so there is no difference to report."
    said = f"difference in area to {reference} {points(best['accuracy_difference'])} points"
    if pd.isna(best["accuracy_difference_low"]):
        return f"{said}, from one paired seed, which gives no interval."
    low, high = best["accuracy_difference_low"], best["accuracy_difference_high"]
    said += f", 95 % interval {interval(low, high)}, {count(best['n_pairs'], 'paired seed')}"
    if low == high == 0:
        return f"{said}: the two are identical at every seed."
    if low == high:
        return f"{said}: the difference is the same at every seed."
    if low > 0 or high < 0:
        return f"{said}."
    return f"{said}, which includes 0: these seeds do not tell the two apart."


def limits(board: pd.DataFrame, setting: str, reference: str) -> list[str]:
    """Return what limits the comparison on a setting: too few seeds, pairs that are missing, nothing to compare."""
    others = board[(board["strategy"] != reference) & (board["n_pairs"] > 0)]
    said = [
        f"{setting}: {row['strategy']} and {reference} are not paired at seed {row['missing_seeds']}."
        for row in others[others["missing_pairs"] > 0].to_dict("records")
    ]
    if others.empty:
        return said
    pairs = int(others["n_pairs"].min())
    if pairs == 1:
        said.append(f"{setting}: one paired seed says nothing about chance; run more with --seeds.")
    elif pairs < FEW:
        detectable = others.loc[others["n_pairs"] == pairs, "detectable"]
        power = others.loc[others["n_pairs"] == pairs, "detectable_power"].iloc[0]
        said.append(
            f"{setting}: {pairs} paired seeds find only differences of {interval(detectable.min(), detectable.max())} "
            f"points or more (by strategy, with power {power:.2f}), and no signed-rank test of fewer than {FEW} pairs "
            "can reach .05."
        )
    if len(others) and (others["accuracy_difference_low"] == others["accuracy_difference_high"]).any():
        same = others[others["accuracy_difference_low"] == others["accuracy_difference_high"]]["strategy"]
        said.append(
            f"{setting}: {words(list(same))} differ from {reference} by the same amount at every seed; without any "
            "variance the interval says nothing."
        )
    return said
