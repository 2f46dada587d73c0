"""Is a difference real: exact signed-rank tests, Holm's correction, pairwise penalties, the null check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from albench.analysis.curves import comparable
from albench.analysis.intervals import CONFIDENCE, ROUNDING, paired_t_p, t_quantile
from albench.analysis.pairs import compare, differences, groups

LEVEL = 1 - CONFIDENCE


def signed_rank_p(values: ArrayLike, scale: float = 0.0) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test, exact for any number of pairs.

    Zeros keep their ranks and no sign (Pratt 1959), ties share the mean of theirs. The distribution over all sign flips
    is summed up over ranks instead of enumerated. NaN values are left out; without any pair the result is NaN.
    """
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return float("nan")
    size = np.abs(numbers)
    unit = ROUNDING * max(float(size.max()), scale, 1e-300)  # equal but for rounding is equal
    doubled = (2 * pd.Series(np.rint(size / unit)).rank()).to_numpy().astype(np.int64)  # twice a rank is whole
    ranks, signs = doubled[size > unit], np.sign(numbers[size > unit])
    if not len(ranks):
        return 1.0
    distribution = _sum_of_flipped(ranks)
    observed = abs(int((ranks * signs).sum()))
    sums = np.arange(-ranks.sum(), ranks.sum() + 1)
    return min(1.0, float(distribution[np.abs(sums) >= observed].sum()))


def _sum_of_flipped(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability of each sum, from -sum(ranks) to +sum(ranks), when every sign is tossed."""
    distribution = np.ones(1)
    for rank in ranks:
        longer = np.zeros(len(distribution) + 2 * rank)
        longer[: len(distribution)] += distribution / 2
        longer[2 * rank :] += distribution / 2
        distribution = longer
    return distribution


def smallest_signed_rank_p(count: int) -> float:
    """Return the smallest two-sided p that so many pairs can give: 2 / 2^N."""
    return min(1.0, 2.0 ** (1 - count))


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p values adjusted for their number by Holm's step-down method (1979); NaN ones are not counted."""
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * p[order])) if len(order) else []
    return adjusted


def signed_rank_tests(values: pd.DataFrame, column: str, reference: str) -> pd.DataFrame:
    """Return `compare` with Wilcoxon's p and Holm's correction over the comparisons of a setting.

    Further columns: p_wilcoxon, p_holm, p_smallest (the least that the number of pairs can give).
    """
    frame = compare(values, column, reference)
    per_seed = dict(groups(differences(values, column, reference)))
    keys = zip(frame["setting"], frame["strategy"], strict=True)
    pairs = (per_seed[key] for key in keys)
    frame["p_wilcoxon"] = [signed_rank_p(own["difference"], float(own["scale"].max())) for own in pairs]
    frame["p_smallest"] = [smallest_signed_rank_p(count) if count else np.nan for count in frame["n_pairs"]]
    frame["p_holm"] = np.nan
    for _, own in frame.groupby("setting", sort=False):
        frame.loc[own.index, "p_holm"] = holm(own["p_wilcoxon"].to_numpy(dtype=float))
    return frame


def penalties(rounds: pd.DataFrame, metric: str = "accuracy") -> pd.DataFrame:
    """Return the pairwise penalty matrix in long form: how often a strategy beats another one.

    One row a (setting, strategy, other): share, the part of the rounds after round 0 in which `strategy` beats `other`
    in a two-sided paired t test at .05; n_pairs. Under no difference a share is .025 on average.
    """
    rows = []
    for setting, own in comparable(rounds).groupby("setting", sort=False):
        later = own[own["round"] > 0]
        tables = {
            name: table.pivot(index="seed", columns="round", values=metric)
            for name, table in later.groupby("strategy", sort=False)
        }
        for first, second in combinations(tables, 2):
            wins, losses, pairs = _won_and_lost(tables[first], tables[second])
            rows.append({"setting": setting, "strategy": first, "other": second, "share": wins, "n_pairs": pairs})
            rows.append({"setting": setting, "strategy": second, "other": first, "share": losses, "n_pairs": pairs})
    return pd.DataFrame(rows, columns=["setting", "strategy", "other", "share", "n_pairs"])


def _won_and_lost(first: pd.DataFrame, second: pd.DataFrame) -> tuple[float, float, int]:
    """Return the shares of columns in which `first` beats `second` and is beaten, and the number of common seeds."""
    seeds = first.index.intersection(second.index)
    if len(seeds) < 2:
        return float("nan"), float("nan"), len(seeds)
    d = (first.loc[seeds] - second.loc[seeds]).to_numpy(dtype=float)
    mean, deviation = d.mean(axis=0), d.std(axis=0, ddof=1)
    deviation = np.where(deviation <= ROUNDING * np.abs(d).max(axis=0), 0.0, deviation)
    bound = t_quantile(0.5 + CONFIDENCE / 2, len(seeds) - 1) * deviation / np.sqrt(len(seeds))
    return float((mean > bound).mean()), float((mean < -bound).mean()), len(seeds)


def null_checks(values: pd.DataFrame, column: str, strategies: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the comparisons of a strategy with itself under other random numbers, where no difference is.

    `strategies` maps labels to name and parameters. One row a setting and pair that differs in `stream` alone:
    setting, strategy, other, n_pairs, difference, p_t.
    """
    rows = []
    for first, second in combinations(strategies, 2):
        if _without_stream(strategies[first]) != _without_stream(strategies[second]):
            continue
        per_seed = differences(values[values["strategy"].isin([first, second])], column, first)
        for (setting, _), own in groups(per_seed):
            d, scale = own["difference"].dropna(), float(own["scale"].max())
            row = {"setting": setting, "strategy": first, "other": second, "n_pairs": len(d)}
            rows.append({**row, "difference": d.mean(), "p_t": paired_t_p(d, scale)})
    return pd.DataFrame(rows, columns=["setting", "strategy", "other", "n_pairs", "difference", "p_t"])


def _without_stream(choice: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return choice["name"], {name: value for name, value in choice["parameters"].items() if name != "stream"}
