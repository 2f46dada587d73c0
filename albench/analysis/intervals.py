"""Intervals of means over few seeds, and of paired differences. All are t-based: see docs/report.md.

Several comparisons at once are corrected by Bonferroni's inequality: it needs nothing of how they depend on each other,
which a handful of seeds could not tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
POWER = 0.8
ROUNDING = 1e-12  # relative size below which a standard deviation is a rounding error: of the values, and of `scale`,
# the size of what was subtracted to get them, since a small difference of large numbers keeps the rounding of these

Bounds = tuple[float, float]  # what a quantity cannot leave
EVERYWHERE: Bounds = (-math.inf, math.inf)
SHARE: Bounds = (0.0, 1.0)
SHARES_APART: Bounds = (-1.0, 1.0)  # a difference of two shares


@cache
def t_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t distribution; degrees of freedom from 1 up."""
    from scipy import special  # scipy.stats would take a second to import

    return float(special.stdtrit(degrees, probability))


def standard_deviation(values: ArrayLike, scale: float = 0.0) -> float:
    """Return the sample standard deviation (N - 1), 0 where values agree but for rounding; NaN for one."""
    numbers = np.asarray(values, dtype=float)
    if len(numbers) < 2:
        return math.nan
    spread = float(numbers.std(ddof=1))
    return 0.0 if spread <= ROUNDING * max(float(np.abs(numbers).max()), scale) else spread


def critical(count: int, comparisons: int = 1) -> float:
    """Return t(1 - .05 / 2m, N-1): what |t| must exceed for one of m comparisons to be told from chance."""
    return t_quantile(1 - (1 - CONFIDENCE) / 2 / comparisons, count - 1)


def half_width(deviation: float, count: int, comparisons: int = 1) -> float:
    """Return half of the 95 % interval of a mean, which holds together with those of m comparisons; NaN for one value.

    It is t(1 - .05 / 2m, N-1) s / sqrt(N).
    """
    if count < 2:
        return math.nan
    return critical(count, comparisons) * deviation / math.sqrt(count)


def smallest_detectable(deviation: float, count: int, comparisons: int = 1) -> float:
    """Return the true difference that is found among m comparisons with a power of about .8; NaN for fewer than two.

    It is (t(1 - .05 / 2m, N-1) + t(.8, N-1)) s / sqrt(N). Its true power, `power_of_detectable`, is less with very few
    pairs.
    """
    if count < 2:
        return math.nan
    quantiles = critical(count, comparisons) + t_quantile(POWER, count - 1)
    return quantiles * deviation / math.sqrt(count)


@cache
def power_of_detectable(count: int) -> float:
    """Return the power of the paired t test at .05 for a true difference of `smallest_detectable`.

    By the noncentral t distribution: .73 for 2 pairs, .77 for 3, .80 from 9 on. NaN for fewer than two.
    """
    if count < 2:
        return math.nan
    from scipy import special

    shift = critical(count) + t_quantile(POWER, count - 1)
    return float(1 - special.nctdtr(count - 1, shift, critical(count)))


@dataclass(frozen=True)
class MeanInterval:
    """A mean over N values with its 95 % t interval; `low` and `high` are NaN for fewer than two values.

    The interval of a bounded quantity is cut to its bounds: the true mean lies within them, so that nothing is lost of
    its coverage.
    """

    count: int
    mean: float
    deviation: float
    low: float
    high: float

    @classmethod
    def of(
        cls, values: ArrayLike, bounds: Bounds = EVERYWHERE, comparisons: int = 1, scale: float = 0.0
    ) -> MeanInterval:
        """Summarise values, of one of m comparisons; NaN ones are left out."""
        numbers = np.asarray(values, dtype=float)
        numbers = numbers[~np.isnan(numbers)]
        if not len(numbers):
            return cls(0, math.nan, math.nan, math.nan, math.nan)
        mean, deviation = float(numbers.mean()), standard_deviation(numbers, scale)
        half = half_width(deviation, len(numbers), comparisons)
        low, high = np.clip([mean - half, mean + half], *bounds)
        return cls(len(numbers), mean, deviation, float(low), float(high))


def paired_t_p(differences: ArrayLike, scale: float = 0.0) -> float:
    """Return the two-sided p of the paired t test; 1 where all differences are 0, NaN for fewer than two."""
    one = MeanInterval.of(differences, scale=scale)
    if one.count < 2:
        return math.nan
    if one.deviation == 0:
        return 1.0 if one.mean == 0 else 0.0
    from scipy import special

    statistic = one.mean / (one.deviation / math.sqrt(one.count))
    return float(2 * special.stdtr(one.count - 1, -abs(statistic)))


def columns_mean(values: NDArray[np.float64], bounds: Bounds = EVERYWHERE) -> dict[str, NDArray[np.float64]]:
    """Return mean, 95 % t interval within the bounds, and count of each column of (N, R) values, NaN left out."""
    mean, deviation, count = moments(values)
    factors = {int(n): half_width(1.0, int(n)) for n in np.unique(count)}
    half = deviation * np.array([factors[int(n)] for n in count])
    low, high = np.clip([mean - half, mean + half], *bounds)
    return {"mean": mean, "low": low, "high": high, "count": count}


def paired_t_columns(
    differences: NDArray[np.float64], scale: ArrayLike = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the two-sided p of the paired t test of each column of (N, R) differences, and the sign of its mean.

    p is NaN where fewer than two values are, or all agree: without variance there is no test.
    """
    from scipy import special

    mean, deviation, count = moments(differences, scale)
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = np.where(deviation > 0, np.abs(mean) * np.sqrt(count) / deviation, np.nan)
        p = 2 * special.stdtr(count - 1, -statistic)
    return np.where(count > 1, p, np.nan), np.sign(mean)


def moments(
    values: NDArray[np.float64], scale: ArrayLike = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean, standard deviation (0 but for rounding is 0) and count of each column, NaN left out."""
    count = (~np.isnan(values)).sum(axis=0).astype(float)
    filled = np.nan_to_num(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / count
        square = (np.where(np.isnan(values), 0.0, values - mean) ** 2).sum(axis=0)
        deviation = np.sqrt(square / (count - 1.0))
    largest = np.maximum(np.abs(filled).max(axis=0, initial=0.0), scale)
    return mean, np.where(deviation <= ROUNDING * largest, 0.0, deviation), count


def words(items: Sequence[object], limit: int = 8) -> str:
    """Return items as a list in words, "1, 2 and 3", the tail of a long one as a number."""
    texts = [str(item) for item in items]
    if len(texts) > limit:
        texts = [*texts[: limit - 1], f"{len(texts) - limit + 1} more"]
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)
