"""Labels that a strategy needs to reach an accuracy, and what it saves against a reference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from albench.analysis.grids import Grid, by_setting, grids, stacked
from albench.analysis.intervals import CONFIDENCE, ROUNDING, moments
from albench.analysis.pairs import CELL

STEPS = (0.05, 0.02, 0.01, 0.005)
MOST = 12
_OF_LABELS = ("n_labeled", "accuracy")


def targets(rounds: pd.DataFrame) -> list[float]:
    """Return round accuracies worth asking for in a setting: no cell starts there, and some strategy's mean gets there.

    Where a single cell starts above what every strategy's mean reaches, there is none. Of several settings they are the
    targets of each.
    """
    found = {target for _, own in by_setting(grids(rounds, _OF_LABELS)) for target in _targets(own)}
    return sorted(found)


def _targets(own: Mapping[str, Grid]) -> list[float]:
    starts = [value for one in own.values() for value in one["accuracy"][:, one.rounds == 0].ravel() if value == value]
    means = [moments(one["accuracy"])[0] for one in own.values()]
    if not starts or np.isnan(np.concatenate(means)).all():
        return []
    low, high = max(starts), float(np.nanmax(np.concatenate(means)))
    found: list[float] = []
    for step in STEPS:
        places = range(math.floor(low / step) + 1, math.floor(high / step + ROUNDING) + 1)
        found = [target for place in places if (target := round(step * place, 4)) > low]
        if len(found) >= 3:
            break
    return found[-MOST:]


def labels_to_target(rounds: pd.DataFrame, target: float) -> pd.DataFrame:
    """Return the queried labels after which each cell first reached the target; the initial set does not count.

    One row a cell: setting, strategy, seed, n_queried (NaN where it was not reached), n_budget (all that were
    queried).
    """
    pieces = [_reached(*name, own, target) for name, own in grids(rounds, _OF_LABELS).items()]
    return stacked(pieces, [*CELL, "n_queried", "n_budget"])


def target_labels(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return `labels_to_target` for every target of each setting, with the column target."""
    found = grids(rounds, _OF_LABELS)
    of_setting = {setting: _targets(own) for setting, own in by_setting(found)}
    pieces = [
        {**_reached(*name, found[name], target), "target": target}
        for setting, own in of_setting.items()
        for target in own
        for name in found
        if name[0] == setting
    ]
    return stacked(pieces, [*CELL, "n_queried", "n_budget", "target"])


def _reached(setting: str, strategy: str, own: Grid, target: float) -> dict[str, Any]:
    n_labeled = own["n_labeled"]
    n_queried = n_labeled - np.nanmin(n_labeled, axis=1, keepdims=True)
    reached = np.where(own["accuracy"] >= target, n_queried, math.inf).min(axis=1)
    budget = np.nanmax(n_queried, axis=1).astype(np.int64)
    reached[np.isinf(reached)] = math.nan
    named = {"setting": setting, "strategy": strategy, "seed": own.seeds}
    return {**named, "n_queried": reached, "n_budget": budget}


def default_target(rounds: pd.DataFrame, reference: str) -> float | None:
    """Return the highest target that all of the reference's seeds reach by querying, else at least half of them.

    None when there is no such target.
    """
    return best_target(target_labels(rounds), reference)


def best_target(labels: pd.DataFrame, reference: str) -> float | None:
    """Return `default_target` from what `target_labels` returns."""
    reached = {}
    for target, own in labels.loc[labels["strategy"] == reference].groupby("target"):
        if (own["n_queried"] > 0).any():
            reached[float(str(target))] = float(own["n_queried"].notna().mean())
    for share in (1.0, 0.5):
        found = [target for target, part in reached.items() if part >= share]
        if found:
            return max(found)
    return None


def median_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Return setting, strategy, n_seeds, n_reached, median_labels: NaN where half of the seeds did not reach it.

    A seed that did not is censored: it counts as more labels than any other.
    """
    columns = ["setting", "strategy", "n_seeds", "n_reached", "median_labels"]
    if labels.empty:
        return pd.DataFrame(columns=columns)
    own = labels.groupby(["setting", "strategy"], sort=False)
    queried = labels["n_queried"].to_numpy(dtype=float)
    group = own.ngroup().to_numpy()
    order = np.lexsort((queried, group))  # NaN come last
    n_seeds, n_reached = (np.bincount(part) for part in (group, group[~np.isnan(queried)]))
    n_reached = np.pad(n_reached, (0, len(n_seeds) - len(n_reached)))
    start, ordered = np.cumsum(n_seeds) - n_seeds, queried[order]
    median = (ordered[start + (n_seeds - 1) // 2] + ordered[start + n_seeds // 2]) / 2
    frame = own.head(1)[["setting", "strategy"]].reset_index(drop=True)
    return frame.assign(n_seeds=n_seeds, n_reached=n_reached, median_labels=median)[columns]


def savings(labels: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return the label savings of each (setting, strategy): the median over paired seeds of 1 - n / n_reference.

    Columns: n_pairs, n_censored (pairs in which one of the two did not reach the target), saving (NaN where censoring
    leaves the median open), median_low and median_high (what it must lie between), saving_low and saving_high (the 95 %
    interval of the median that the sign test gives, NaN from fewer than six pairs). It needs no assumption on how
    savings vary, holds for censored counts, and never exceeds 1. Pairs that start at the target are left out.
    """
    pieces = []
    for setting, here in labels.groupby("setting", sort=False):
        queried = here.pivot(index="seed", columns="strategy", values="n_queried")
        budget = here.pivot(index="seed", columns="strategy", values="n_budget")
        nothing = pd.Series(math.nan, index=queried.index)  # of a reference that did not run
        base = (table.get(reference, nothing).to_numpy(dtype=float)[:, None] for table in (queried, budget))
        others = [name for name in here["strategy"].unique() if name != reference]
        if others:
            saved = _saved(*(table[others].to_numpy(dtype=float) for table in (queried, budget)), *base)
            pieces.append({"setting": str(setting), "strategy": np.array(others, dtype=object), **saved})
    columns = ["n_pairs", "n_censored", "saving", "saving_low", "saving_high", "median_low", "median_high"]
    return stacked(pieces, ["setting", "strategy", *columns])


def _saved(
    n: NDArray[np.float64], b: NDArray[np.float64], n_other: NDArray[np.float64], b_other: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """Return the savings from labels and budgets, (seeds, strategies), and the reference's, (seeds, 1)."""
    pairs = ~np.isnan(b) & ~np.isnan(b_other) & (n != 0) & (n_other != 0)
    # what a censored count must exceed bounds the saving on one side; where both are censored nothing is known
    low = _ordered(np.where(np.isnan(n), math.inf, n), np.where(np.isnan(n_other), b_other, n_other), pairs)
    high = _ordered(np.where(np.isnan(n), b, n), np.where(np.isnan(n_other), math.inf, n_other), pairs)
    count = pairs.sum(axis=0)
    median_low, median_high = _medians(low, count), _medians(high, count)
    place = np.array([sign_test_place(int(one)) for one in count], dtype=np.int64)
    return {
        "n_pairs": count,
        "n_censored": ((np.isnan(n) | np.isnan(n_other)) & pairs).sum(axis=0),
        "saving": np.where(median_low == median_high, median_low, math.nan),
        "saving_low": np.where(place > 0, _taken(low, place - 1), math.nan),
        "saving_high": np.where(place > 0, _taken(high, count - place), math.nan),
        "median_low": median_low,
        "median_high": median_high,
    }


def _ordered(n: NDArray[np.float64], n_other: NDArray[np.float64], pairs: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the savings of each column's pairs, rising; NaN, for what is no pair, come last."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sort(np.where(pairs, 1 - n / n_other, math.nan), axis=0)


def _taken(ordered: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return of each column the value at its place."""
    kept = np.clip(places, 0, len(ordered) - 1)
    taken: NDArray[np.float64] = ordered[kept, np.arange(ordered.shape[1])]
    return taken


def _medians(ordered: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each column's median; with an infinite middle it is that, and of -inf and inf nothing is known."""
    with np.errstate(invalid="ignore"):
        median = (_taken(ordered, (count - 1) // 2) + _taken(ordered, count // 2)) / 2
    return np.where(count > 0, median, math.nan)


@cache
def sign_test_place(count: int) -> int:
    """Return j so that the j-th smallest and the j-th largest of N values hold the median with 95 % confidence.

    From the binomial distribution, as the sign test: 1 for 6 to 8 values, 2 for 9 to 11. 0, none, for fewer than six.
    """
    from scipy import special

    if not count:
        return 0
    below = special.bdtr(np.arange(count), count, 0.5)  # that at most 0, 1, ... values lie below the median
    return int((2 * below <= 1 - CONFIDENCE).sum())
