"""Differences between strategies, joined on the seed: never on row order.

Here is what "leads" means, for headline, tables and figures alike: see `compare`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from albench.analysis.grids import stacked
from albench.analysis.intervals import (
    SHARES_APART,
    MeanInterval,
    paired_t_p,
    power_of_detectable,
    smallest_detectable,
    words,
)

CELL = ["setting", "strategy", "seed"]


def groups(frame: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """Yield ((setting, strategy), rows) in the order of their first appearance."""
    for key, own in frame.groupby(["setting", "strategy"], sort=False):
        yield (str(key[0]), str(key[1])), own


def differences(values: pd.DataFrame, column: str, reference: str) -> pd.DataFrame:
    """Return `column` minus the reference's value at the same setting and seed.

    `values` has one row a cell: setting, strategy, seed, `column`. The result has one row for each seed that a
    strategy or the reference has: setting, strategy, seed, difference; NaN where either is missing; and `scale`, the
    size of the larger of the two.
    """
    found = list(paired(values, column, reference))
    if not found:
        empty = {"setting": "str", "strategy": "str", "seed": "int64", "difference": "float64", "scale": "float64"}
        return pd.DataFrame(columns=list(empty)).astype(empty)
    return stacked([vars(one) for one in found], [*CELL, "difference", "scale"])


@dataclass(frozen=True)
class Paired:
    """A strategy beside the reference at each seed that one of them has; see `differences`."""

    setting: str
    strategy: str
    seed: NDArray[np.int64]
    difference: NDArray[np.float64]  # NaN where either is missing
    scale: NDArray[np.float64]

    @property
    def has_both(self) -> NDArray[np.bool_]:
        """At which seeds there is a difference."""
        return ~np.isnan(self.difference)

    @property
    def largest(self) -> float:
        """The size of the largest number that was subtracted, NaN without any pair."""
        return float(self.scale[self.has_both].max()) if self.has_both.any() else math.nan


def paired(values: pd.DataFrame, column: str, reference: str) -> Iterator[Paired]:
    """Yield each strategy of each setting beside the reference; see `differences`."""
    for setting, own in values.groupby("setting", sort=False):
        strategies = own["strategy"].to_numpy(dtype=object)
        names = list(dict.fromkeys(strategies))
        seeds, row = np.unique(own["seed"].to_numpy(dtype=np.int64), return_inverse=True)
        place = {name: number for number, name in enumerate(names)}
        where = row, np.array([place[name] for name in strategies], dtype=np.int64)
        table, has = np.full((len(seeds), len(names)), np.nan), np.zeros((len(seeds), len(names)), dtype=np.int64)
        np.add.at(has, where, 1)
        if has.max() > 1:
            raise ValueError("a cell has a value twice; give each row once")
        table[where] = own[column].to_numpy(dtype=float, na_value=np.nan)
        there = reference in place
        base = table[:, place[reference]] if there else np.full(len(seeds), np.nan)
        has_base = has[:, place[reference]] > 0 if there else np.zeros(len(seeds), dtype=bool)
        for number, name in enumerate(names):
            if name != reference:
                either = (has[:, number] > 0) | has_base
                one, other = table[either, number], base[either]
                scale = np.fmax(np.abs(one), np.abs(other))
                yield Paired(str(setting), str(name), seeds[either], one - other, scale)


def round_differences(rounds: pd.DataFrame, reference: str, metric: str = "accuracy") -> pd.DataFrame:
    """Return `metric` minus the reference's value of the same setting, seed and round, where both have that round.

    One row a round of a cell but the reference's: setting, strategy, seed, round, n_labeled, difference.
    """
    keys = ["setting", "seed", "round"]
    base = rounds.loc[rounds["strategy"] == reference, [*keys, metric]].rename(columns={metric: "base"})
    others = rounds.loc[rounds["strategy"] != reference, [*keys, "strategy", "n_labeled", metric]]
    paired = others.merge(base, on=keys)
    paired["difference"] = paired[metric] - paired["base"]
    return paired[[*CELL, "round", "n_labeled", "difference"]]


def compare(values: pd.DataFrame, column: str, reference: str) -> pd.DataFrame:
    """Return each strategy's paired comparison with the reference. `column` is a share, or an area of shares.

    One row a (setting, strategy): n_pairs, missing_pairs, missing_seeds (in words), difference (mean),
    difference_sd, difference_low and difference_high, p_t, p_simultaneous, verdict, wins, ties, losses, detectable,
    detectable_power, claimable. What cannot be had from the pairs is NaN; the reference has no row.

    The 95 % intervals and `p_simultaneous` hold for all comparisons of a setting together (Bonferroni, over the k - 1
    others), each with the variance of its own paired differences. `verdict` is "leads" where the interval lies above 0,
    "trails" where it lies below, and "" where these seeds cannot tell, or differ by the same amount in every pair: a
    t test needs some variance. `p_t` and `detectable`, the smallest detectable difference, are of one comparison by
    itself; `claimable` is the true difference that is called a lead, or a trail, with a power of about .8.
    """
    found = list(paired(values, column, reference))
    others = Counter(one.setting for one in found)
    rows = [
        {"setting": one.setting, "strategy": one.strategy, **_comparison(one, others[one.setting])} for one in found
    ]
    return pd.DataFrame(rows, columns=["setting", "strategy", *_COLUMNS])


_COLUMNS = (
    "n_pairs",
    "missing_pairs",
    "missing_seeds",
    "difference",
    "difference_sd",
    "difference_low",
    "difference_high",
    "p_t",
    "p_simultaneous",
    "verdict",
    "wins",
    "ties",
    "losses",
    "detectable",
    "detectable_power",
    "claimable",
)


def _comparison(pairs: Paired, comparisons: int) -> dict[str, object]:
    difference, scale = pairs.difference[pairs.has_both], pairs.largest
    missing = pairs.seed[~pairs.has_both].tolist()
    one = MeanInterval.of(difference, SHARES_APART, comparisons, scale)
    signs = np.sign(difference)
    p = paired_t_p(difference, scale)
    return {
        "n_pairs": one.count,
        "missing_pairs": len(missing),
        "missing_seeds": words(missing),
        "difference": one.mean,
        "difference_sd": one.deviation,
        "difference_low": one.low,
        "difference_high": one.high,
        "p_t": p,
        "p_simultaneous": min(1.0, comparisons * p) if one.deviation > 0 else np.nan,
        "verdict": _verdict(one),
        "wins": int((signs > 0).sum()),
        "ties": int((signs == 0).sum()),
        "losses": int((signs < 0).sum()),
        "detectable": smallest_detectable(one.deviation, one.count),
        "detectable_power": power_of_detectable(one.count),
        "claimable": smallest_detectable(one.deviation, one.count, comparisons),
    }


def _verdict(one: MeanInterval) -> str:
    if not one.deviation > 0:
        return ""
    return "leads" if one.low > 0 else "trails" if one.high < 0 else ""
