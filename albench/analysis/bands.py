"""Bands that hold for a whole curve at once, not only at one round."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from albench.analysis.grids import Grid, by_setting, grids, stacked
from albench.analysis.intervals import CONFIDENCE, ROUNDING, SHARES_APART, moments

_BATCH = 100  # samples that are simulated at once
_BATCHES = {20: 40, 10**9: 10}  # seeds up to -> batches: of few seeds the quantile lies far out and needs more
_MOST_DRAWN = 200  # seeds up to which samples are drawn curve by curve: the work grows with their square
_COLUMNS = ("setting", "strategy", "round", "n_labeled", "n_pairs", "mean", "low", "high")
_SEED = 20161101  # the band is a simulation; one seed makes it the same every time


def simultaneous_factor(differences: NDArray[np.float64]) -> float:
    """Return the factor c so that mean +- c s / sqrt(N) holds at all rounds together with 95 % confidence.

    `differences` is (N seeds, R rounds). c is the quantile of the largest studentised difference over rounds, max
    |mean| sqrt(N) / s, among samples of N Gaussian curves with the correlation of the observed ones, which is shrunk by
    1/N towards none: from few seeds it is known only roughly, and shrinking errs on the wide side. Bootstraps over
    seeds are too narrow here. Measured coverage of 95 %: see docs/report.md. NaN for fewer than two seeds.
    """
    return simultaneous_factors([differences])[0]


def simultaneous_factors(several: Sequence[NDArray[np.float64]]) -> list[float]:
    """Return `simultaneous_factor` of each, from one simulation for all that have as many seeds and moving rounds."""
    factors = [math.nan] * len(several)
    alike: dict[tuple[int, int], dict[bytes, list[int]]] = {}  # shape -> curves as bytes -> whose they are
    for place, differences in enumerate(several):
        if len(differences) < 2:
            continue
        curves = _studentised(np.asarray(differences, dtype=float))
        factors[place] = 0.0
        if curves.size:
            shape = (len(curves), curves.shape[1])
            alike.setdefault(shape, {}).setdefault(curves.tobytes(), []).append(place)
    for shape, found in alike.items():
        simulated = _simulated([np.frombuffer(data, dtype=np.float32).reshape(shape) for data in found])
        for factor, places in zip(simulated, found.values(), strict=True):
            for place in places:
                factors[place] = factor
    return factors


def _studentised(differences: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the curves about their mean in standard deviations, (N, R), without rounds at which nothing varies.

    One sign stands for both, and no zero has one: the reference compared with the strategy has the same factor.
    """
    turned = 0.0 + differences if differences.sum() >= 0 else 0.0 - differences
    deviation = turned.std(axis=0, ddof=1)
    moving = deviation > ROUNDING * np.abs(turned).max(axis=0)
    curves = ((turned - turned.mean(axis=0))[:, moving] / deviation[moving]).astype(np.float32)
    return np.ascontiguousarray(curves)


def _simulated(several: Sequence[NDArray[np.float32]]) -> list[float]:
    """Return the factor of each of some curves of one shape, (N, R); the same draws serve all."""
    n, r = several[0].shape
    batches = next(count for most, count in _BATCHES.items() if n <= most)
    if n > max(_MOST_DRAWN, r):
        batch_of = _of_moments([_triangle(curves) for curves in several], n)
    else:
        batch_of = _of_curves(several)
    largest = [batch_of(np.random.default_rng([_SEED, batch])) for batch in range(batches)]
    return [float(np.quantile(np.concatenate(own), CONFIDENCE)) for own in zip(*largest, strict=True)]


_OfBatch = Callable[[np.random.Generator], list[NDArray[Any]]]  # the largest studentised mean of each sample, by curves


def _of_curves(several: Sequence[NDArray[np.float32]]) -> _OfBatch:
    """Return what draws a batch of samples curve by curve."""
    n, r = several[0].shape
    # weights as Python numbers: NumPy's own would turn single precision into double
    scaled = [curves * math.sqrt((1 - 1 / n) / (n - 1)) for curves in several]

    def largest(draws: np.random.Generator) -> list[NDArray[Any]]:
        alike = draws.standard_normal((_BATCH * n, n), dtype=np.float32)
        alone = draws.standard_normal((_BATCH * n, r), dtype=np.float32) * math.sqrt(1 / n)
        return [_largest((alike @ curves + alone).reshape(_BATCH, n, r)) for curves in scaled]

    return largest


def _largest(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest studentised mean of each sample of curves, (B, N, R)."""
    n = sample.shape[1]
    mean = sample.mean(axis=1)
    sample -= mean[:, None]
    variance = np.einsum("bnr,bnr->br", sample, sample) / (n - 1)
    largest: NDArray[np.float32] = (np.abs(mean) * np.sqrt(n / variance)).max(axis=1)
    return largest


def _triangle(curves: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the lower Cholesky factor of the curves' shrunk correlation, (R, R)."""
    n, r = curves.shape
    own = curves.astype(np.float64)
    return np.linalg.cholesky((1 - 1 / n) / (n - 1) * (own.T @ own) + np.eye(r) / n)


def _of_moments(triangles: Sequence[NDArray[np.float64]], n: int) -> _OfBatch:
    """Return what draws a batch of samples by mean and covariance: of many seeds these are far fewer numbers.

    The mean of N Gaussian curves is Gaussian, and their scatter is Wishart's, drawn by Bartlett's decomposition; the
    two are independent, so that samples have the same distribution as curve by curve.
    """
    r = len(triangles[0])
    degrees = n - 1 - np.arange(r)

    def largest(draws: np.random.Generator) -> list[NDArray[Any]]:
        means = draws.standard_normal((_BATCH, r))
        scatter = np.tril(draws.standard_normal((_BATCH, r, r)), -1)
        scatter[:, np.arange(r), np.arange(r)] = np.sqrt(draws.chisquare(degrees, size=(_BATCH, r)))
        return [
            (np.abs(means @ one.T) / np.sqrt(((one @ scatter) ** 2).sum(axis=2) / (n - 1))).max(axis=1)
            for one in triangles
        ]

    return largest


def difference_curves(rounds: pd.DataFrame, reference: str, metric: str = "accuracy") -> pd.DataFrame:
    """Return each strategy's paired difference to the reference at every round, with a simultaneous 95 % band.

    One row a (setting, strategy, round) over the rounds and seeds that both have: n_labeled, n_pairs, mean, low, high;
    NaN bounds from one pair. `metric` is a share, and bands are cut to -1 to 1.
    """
    return difference_curves_to(rounds, [reference], metric)[reference]


def difference_curves_to(
    rounds: pd.DataFrame, references: Sequence[str], metric: str = "accuracy"
) -> dict[str, pd.DataFrame]:
    """Return `difference_curves` to each of several references; their bands come from one simulation."""
    found = [
        pair
        for setting, own in by_setting(grids(rounds, ["n_labeled", metric]))
        for pair in _pairs(setting, own, references, metric)
    ]
    factors = simultaneous_factors([pair.differences for pair in found])
    banded = [_banded(pair, factor) for pair, factor in zip(found, factors, strict=True)]
    return {
        name: stacked([piece for piece, pair in zip(banded, found, strict=True) if pair.reference == name], _COLUMNS)
        for name in references
    }


@dataclass(frozen=True)
class _Pair:
    setting: str
    strategy: str
    reference: str
    rounds: NDArray[np.int64]
    n_labeled: NDArray[np.float64]
    differences: NDArray[np.float64]  # (seeds, rounds) that both have
    scale: NDArray[np.float64]  # by round, the largest number that was subtracted


def _pairs(setting: str, own: Mapping[str, Grid], references: Sequence[str], metric: str) -> Iterator[_Pair]:
    labeled = _labeled(own)
    for reference in references:
        for name, one in own.items():
            if name == reference or reference not in own:
                continue
            other = own[reference]
            here, there = one.common(other)
            d = one[metric][here] - other[metric][there]
            d = d[~np.isnan(d).all(axis=1)]
            kept = ~np.isnan(d).any(axis=0)
            if len(d) and kept.any():
                columns = here[1][0, kept], there[1][0, kept]
                sizes = (
                    np.nanmax(np.abs(grid[metric][:, column]), axis=0)
                    for grid, column in zip((one, other), columns, strict=True)
                )
                rounds = one.rounds[columns[0]]
                labels = np.asarray(labeled.reindex(rounds), dtype=np.float64)
                yield _Pair(setting, name, reference, rounds, labels, d[:, kept], np.fmax(*sizes))


def _labeled(own: Mapping[str, Grid]) -> pd.Series[float]:
    """Return the mean number of labelled images at each round of a setting."""
    rounds = np.concatenate([np.tile(one.rounds, len(one.seeds)) for one in own.values()])
    return pd.Series(np.concatenate([one["n_labeled"].ravel() for one in own.values()])).groupby(rounds).mean()


def _banded(pair: _Pair, factor: float) -> dict[str, Any]:
    mean, deviation, _ = moments(pair.differences, pair.scale)
    count = len(pair.differences)
    half = factor * deviation / np.sqrt(count) if count > 1 else np.full(len(mean), np.nan)
    low, high = np.clip([mean - half, mean + half], *SHARES_APART)
    named = {"setting": pair.setting, "strategy": pair.strategy, "round": pair.rounds, "n_labeled": pair.n_labeled}
    return {**named, "n_pairs": count, "mean": mean, "low": low, "high": high}
