"""The report in a sentence or two a setting, made from the leaderboard's numbers: it claims what they can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from albench.analysis import words
from albench_reports.wording import count, interval, percent, points

FEW = 6  # paired seeds below which the page says what they can find
NAMED = 3  # leads that the sentence gives in numbers

Row = Mapping[Any, Any]


def headline(board: pd.DataFrame, setting: str, reference: str, target: float | None = None) -> str:
    """Return who leads the reference on a setting, by how much, what it saves, and who is best.

    `board` is the setting's leaderboard against the reference, with `saved`, the label savings to the target in words.
    """
    finished = board[board["n_seeds"] > 0]
    others = finished[finished["strategy"] != reference]
    if finished.empty:
        return f"No strategy has finished a cell of {setting}."
    if others.empty:
        return (
            f"Only {finished.iloc[0]['strategy']} has finished on {setting}, with a mean accuracy of "
            f"{percent(finished.iloc[0]['accuracy_area'])} over the budget; there is nothing to compare it with."
        )
    if len(others) == len(finished):
        return (
            f"{others.iloc[0]['strategy']} has the highest mean accuracy on {setting}, "
            f"{percent(others.iloc[0]['accuracy_area'])}; {reference} has not finished there, so there is no paired "
            "difference."
        )
    leading = (
        others[others["verdict"] == "leads"].sort_values("accuracy_difference", ascending=False).to_dict("records")
    )
    said = [_leads(leading, others, setting, reference) if leading else _no_lead(others, setting, reference)]
    if leading:
        said += _saves(leading[0], reference, target)
    trailing = list(others.loc[others["verdict"] == "trails", "strategy"])
    if trailing:
        said.append(f"{words(trailing, NAMED + 1)} {'trails' if len(trailing) == 1 else 'trail'} {reference}.")
    return " ".join([*said, *_best(finished)])


def _leads(leading: Sequence[Row], others: pd.DataFrame, setting: str, reference: str) -> str:
    named = [
        f"{row['strategy']} by {points(row['accuracy_difference'])} points "
        f"({interval(row['accuracy_difference_low'], row['accuracy_difference_high'])})"
        for row in leading[:NAMED]
    ]
    more = len(leading) - NAMED
    named += [f"{count(more, 'more strategy', 'more strategies')} by less"] if more > 0 else []
    return (
        f"{_of_all(len(leading), 'strategy leads', 'strategies lead')} {reference} on {setting} in mean accuracy: "
        f"{words(named)}; 95 % interval{'s' if len(others) > 1 else ''}{_together(others, 'hold')}, {_pairs(leading)}."
    )


def _of_all(number: int, one: str, many: str) -> str:
    return f"{'One' if number == 1 else number} {one if number == 1 else many}"


def _together(others: pd.DataFrame, verb: str) -> str:
    """Return for how many comparisons an interval holds at once; nothing where there is one."""
    return f" that {verb} for all {len(others)} comparisons together" if len(others) > 1 else ""


def _pairs(rows: Sequence[Row]) -> str:
    """Return on how many pairs comparisons rest: "5 paired seeds", "4 to 5 paired seeds"."""
    numbers = [int(row["n_pairs"]) for row in rows]
    if min(numbers) < max(numbers):
        return f"{min(numbers)} to {count(max(numbers), 'paired seed')}"
    return count(numbers[0], "paired seed")


def _no_lead(others: pd.DataFrame, setting: str, reference: str) -> str:
    """Return that no lead can be told, and what is known of the largest difference."""
    paired = others[others["n_pairs"] > 0].sort_values("accuracy_difference", ascending=False, kind="stable")
    start = f"No strategy can be said to lead {reference} on {setting}"
    if paired.empty:
        return f"{start}: no seed is paired with it."
    row = paired.iloc[0].to_dict()
    low, high = row["accuracy_difference_low"], row["accuracy_difference_high"]
    largest = (
        f"the largest difference in mean accuracy is {row['strategy']}'s, {points(row['accuracy_difference'])} points"
    )
    if pd.isna(low):
        return f"{start}: {largest}, from one paired seed, which gives no interval."
    if low == high == 0:
        return f"{start}: {row['strategy']} is identical to it at every seed."
    if low == high:
        return f"{start}: {largest}, the same at every seed; without any variance nothing is known of chance."
    kind = f"a 95 % interval{_together(others, 'holds')}"
    holds = "which includes 0" if high >= 0 else "all of it below 0"
    return f"{start}: {largest} ({interval(low, high)}, {kind}, {_pairs([row])}), {holds}."


def _saves(row: Row, reference: str, target: float | None) -> list[str]:
    """Return the leading strategy's label savings, as its table gives them."""
    if target is None or not row.get("saved"):
        return []
    said = f"{row['strategy']}'s label savings against {reference} to {percent(target)}: {row['saved']}"
    return [f"{said} (median over the pairs of seeds)."]


def _best(finished: pd.DataFrame) -> list[str]:
    """Return who is best: one strategy that is told apart from all others, else how many share the first place."""
    if len(finished) < 3:
        return []
    first = finished[finished["rank_low"] == 1]  # no other is told to be better
    if int(first.iloc[0]["rank_high"]) == 1:
        return [f"{first.iloc[0]['strategy']} is the best of {len(finished)}: it is told apart from every other."]
    if len(first) == len(finished):
        return [f"Of {len(finished)} strategies no one is told to be better than another."]
    return [f"The first place is shared: no other is told to be better than {words(list(first['strategy']))}."]


def limits(board: pd.DataFrame, setting: str, reference: str) -> list[str]:
    """Return what limits the comparison on a setting: too few seeds, pairs that are missing, no variance."""
    others = board[(board["strategy"] != reference) & (board["n_pairs"].fillna(0) > 0)]
    said = [
        f"{setting}: {row['strategy']} and {reference} are not paired at seed {row['missing_seeds']}."
        for row in others[others["missing_pairs"] > 0].to_dict("records")
    ]
    if others.empty:
        return said
    pairs = int(others["n_pairs"].min())
    varied = others[(others["n_pairs"] == pairs) & (others["claimable"] > 0)]
    if pairs == 1:
        said.append(f"{setting}: one paired seed says nothing about chance; run more with --seeds.")
    elif pairs < FEW and len(varied):
        least, most = varied["claimable"].clip(upper=1).agg(["min", "max"])  # no difference is larger than all
        said.append(
            f"{setting}: with {count(pairs, 'paired seed')} and {count(len(others), 'comparison')} only true "
            f"differences of {interval(least, most)} points (by strategy) or more are called a lead with a power of "
            "about .8; smaller ones are mostly missed."
        )
    same = others[(others["accuracy_difference_low"] == others["accuracy_difference_high"]) & (pairs > 1)]
    if len(same):
        said.append(
            f"{setting}: {words(list(same['strategy']))} differ from {reference} by the same amount at every seed; "
            "without any variance the interval says nothing."
        )
    return said
