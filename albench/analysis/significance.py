"""Is a difference real: exact signed-rank tests, Holm's correction, pairwise penalties, the null check."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from albench.analysis.curves import comparable
from albench.analysis.grids import Grid, by_setting, grids, stacked
from albench.analysis.intervals import CONFIDENCE, ROUNDING, paired_t_p, t_quantile
from albench.analysis.pairs import compare, paired

LEVEL = 1 - CONFIDENCE
MOST_EXACT = 500  # pairs; the work of the exact distribution grows with their third power


def signed_rank_p(values: ArrayLike, scale: float = 0.0) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test, exact up to 500 pairs.

    Zeros keep their ranks and no sign (Pratt 1959), ties share the mean of theirs. The distribution over all sign flips
    is summed up over ranks instead of enumerated; of more pairs it is taken as normal, which is within .0005 there.
    NaN values are left out; without any pair the result is NaN.
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
    if len(ranks) > MOST_EXACT:
        return _normal_p(ranks, signs)
    distribution = _sum_of_flipped(np.sort(ranks).tobytes())
    observed = abs(int((ranks * signs).sum()))
    sums = np.arange(-ranks.sum(), ranks.sum() + 1)
    return min(1.0, float(distribution[np.abs(sums) >= observed].sum()))


@lru_cache(maxsize=16)
def _sum_of_flipped(data: bytes) -> NDArray[np.float64]:
    """Return the probability of each sum, from -sum(ranks) to +sum(ranks), when every sign is tossed.

    `data` are int64 ranks that rise. Without ties they depend on the number of pairs alone, and comparisons share it.
    """
    distribution = np.ones(1)
    for rank in np.frombuffer(data, dtype=np.int64):
        longer = np.zeros(len(distribution) + 2 * rank)
        longer[: len(distribution)] += distribution / 2
        longer[2 * rank :] += distribution / 2
        distribution = longer
    return distribution


def _normal_p(ranks: NDArray[np.int64], signs: NDArray[np.float64]) -> float:
    """Return the two-sided p of the normal distribution with the variance of the sum of flipped ranks."""
    from scipy import special

    observed = abs(float((ranks * signs).sum()))
    return float(min(1.0, 2 * special.ndtr(-observed / math.sqrt(float((ranks.astype(float) ** 2).sum())))))


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
    frame["p_wilcoxon"] = [
        signed_rank_p(one.difference, float(np.fmax.reduce(one.scale))) for one in paired(values, column, reference)
    ]
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
    later = comparable(rounds)
    pieces = [
        {"setting": setting, **_penalties(own, metric)}
        for setting, own in by_setting(grids(later[later["round"] > 0], [metric]))
    ]
    return stacked(pieces, ["setting", "strategy", "other", "share", "n_pairs"])


def _penalties(own: Mapping[str, Grid], metric: str) -> dict[str, NDArray[Any]]:
    """Return strategy, other, share, n_pairs of a setting: every two strategies one way and the other."""
    names = list(own)
    pieces = [
        _against(own[name], [own[other] for other in names[place + 1 :]], metric) for place, name in enumerate(names)
    ]
    first, second = np.triu_indices(len(names), 1)
    wins, losses, n_pairs = np.concatenate(pieces, axis=1)
    named = np.array(names, dtype=object)
    return {
        "strategy": np.stack([named[first], named[second]], axis=1).ravel(),
        "other": np.stack([named[second], named[first]], axis=1).ravel(),
        "share": np.stack([wins, losses], axis=1).ravel(),
        "n_pairs": np.repeat(n_pairs.astype(np.int64), 2),
    }


def _against(first: Grid, others: Sequence[Grid], metric: str) -> NDArray[np.float64]:
    """Return won, lost and n_pairs, (3, others): the shares of rounds in which `first` beats each and is beaten."""
    if others and all(first.is_alike(other) for other in others):
        return _won_and_lost(first[metric] - np.stack([other[metric] for other in others]))
    found = [np.empty((3, 0))]
    for other in others:
        here, there = first.common(other)
        found.append(_won_and_lost((first[metric][here] - other[metric][there])[None]))
    return np.concatenate(found, axis=1)


def _won_and_lost(d: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return won, lost and n_pairs of (pairs of strategies, seeds, rounds) differences."""
    count = d.shape[1]
    if count < 2:
        return np.stack([np.full(len(d), np.nan), np.full(len(d), np.nan), np.full(len(d), float(count))])
    mean, deviation = d.mean(axis=1), d.std(axis=1, ddof=1)
    deviation = np.where(deviation <= ROUNDING * np.abs(d).max(axis=1), 0.0, deviation)
    bound = t_quantile(0.5 + CONFIDENCE / 2, count - 1) * deviation / np.sqrt(count)
    return np.stack([(mean > bound).mean(axis=1), (mean < -bound).mean(axis=1), np.full(len(d), float(count))])


def null_checks(values: pd.DataFrame, column: str, strategies: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the comparisons of a strategy with itself under other random numbers, where no difference is.

    `strategies` maps labels to name and parameters. One row a setting and pair that differs in `stream` alone:
    setting, strategy, other, n_pairs, difference, p_t.
    """
    rows = []
    for first, second in combinations(strategies, 2):
        if _without_stream(strategies[first]) != _without_stream(strategies[second]):
            continue
        for one in paired(values[values["strategy"].isin([first, second])], column, first):
            d = one.difference[one.has_both]
            row = {"setting": one.setting, "strategy": first, "other": second, "n_pairs": len(d)}
            mean = float(d.mean()) if len(d) else np.nan
            rows.append({**row, "difference": mean, "p_t": paired_t_p(d, float(np.fmax.reduce(one.scale)))})
    return pd.DataFrame(rows, columns=["setting", "strategy", "other", "n_pairs", "difference", "p_t"])


def _without_stream(choice: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return choice["name"], {name: value for name, value in choice["parameters"].items() if name != "stream"}
