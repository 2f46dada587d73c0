"""Bands that hold for a whole curve at once, not only at one round."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from albench.analysis.intervals import CONFIDENCE, ROUNDING, SHARES_APART, moments

_BATCH = 100  # samples that are simulated at once
_BATCHES = {20: 40, 10**9: 10}  # seeds up to -> batches: of few seeds the quantile lies far out and needs more
_MOST_KEPT = 60  # seeds up to which the simulation's numbers are kept in memory
_SEED = 20161101  # the band is a simulation; one seed makes it the same every time


def simultaneous_factor(differences: NDArray[np.float64]) -> float:
    """Return the factor c so that mean +- c s / sqrt(N) holds at all rounds together with 95 % confidence.

    `differences` is (N seeds, R rounds). c is the quantile of the largest studentised difference over rounds, max
    |mean| sqrt(N) / s, among samples of N Gaussian curves with the correlation of the observed ones, which is shrunk by
    1/N towards none: from few seeds it is known only roughly, and shrinking errs on the wide side. Bootstraps over
    seeds are too narrow here. Measured coverage of 95 %: see docs/report.md. NaN for fewer than two seeds.
    """
    values = np.ascontiguousarray(differences, dtype=float)
    turned = values if values.sum() >= 0 else -values  # the reference compared with the strategy has the same factor
    return _factor(turned.tobytes(), *values.shape)


@lru_cache(maxsize=4096)
def _factor(data: bytes, n: int, r: int) -> float:
    differences = np.frombuffer(data).reshape(n, r)
    if n < 2:
        return float("nan")
    deviation = differences.std(axis=0, ddof=1)
    moving = deviation > ROUNDING * np.abs(differences).max(axis=0)
    if not moving.any():
        return 0.0
    curves = ((differences - differences.mean(axis=0))[:, moving] / deviation[moving]).astype(np.float32)
    batches = next(count for most, count in _BATCHES.items() if n <= most)
    largest = [_largest(curves, batch) for batch in range(batches)]
    return float(np.quantile(np.concatenate(largest), CONFIDENCE))


def _largest(curves: NDArray[np.float32], batch: int) -> NDArray[np.float32]:
    """Return the largest studentised mean of a batch of simulated samples like `curves`, (N, R)."""
    n, r = curves.shape
    draw = _normals if n <= _MOST_KEPT else _normals.__wrapped__
    alike, alone = draw(batch, n, r)
    # weights as Python numbers: NumPy's own would turn single precision into double
    sample = alike @ (curves * math.sqrt((1 - 1 / n) / (n - 1))) + alone * math.sqrt(1 / n)
    sample = sample.reshape(_BATCH, n, r)
    mean = sample.mean(axis=1)
    sample -= mean[:, None]
    variance = np.einsum("bnr,bnr->br", sample, sample) / (n - 1)
    studentised = np.abs(mean) * np.sqrt(n / variance)
    largest: NDArray[np.float32] = studentised.max(axis=1)
    return largest


@lru_cache(maxsize=max(_BATCHES.values()))
def _normals(batch: int, n: int, r: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return standard normal numbers for a batch, (B N, N) and (B N, R): the same for all comparisons of a report."""
    draws = np.random.default_rng([_SEED, batch])
    return (
        draws.standard_normal((_BATCH * n, n), dtype=np.float32),
        draws.standard_normal((_BATCH * n, r), dtype=np.float32),
    )


def difference_curves(rounds: pd.DataFrame, reference: str, metric: str = "accuracy") -> pd.DataFrame:
    """Return each strategy's paired difference to the reference at every round, with a simultaneous 95 % band.

    One row a (setting, strategy, round) over the rounds and seeds that both have: n_labeled, n_pairs, mean, low, high;
    NaN bounds from one pair. `metric` is a share, and bands are cut to -1 to 1.
    """
    pieces = []
    for setting, own in rounds.groupby("setting", sort=False):
        tables = {
            name: table.pivot(index="seed", columns="round", values=metric)
            for name, table in own.groupby("strategy", sort=False)
        }
        labeled = own.groupby("round")["n_labeled"].mean()
        for name, table in tables.items():
            if name == reference or reference not in tables:
                continue
            d = (table - tables[reference]).dropna(how="all").dropna(axis=1)
            if len(d) and d.shape[1]:
                sizes = (one[d.columns].abs().max().to_numpy(dtype=float) for one in (table, tables[reference]))
                named = {"setting": setting, "strategy": name, "n_labeled": labeled.loc[d.columns].to_numpy()}
                pieces.append(_banded(d, np.maximum(*sizes)).assign(**named))
    columns = ["setting", "strategy", "round", "n_labeled", "n_pairs", "mean", "low", "high"]
    return pd.concat(pieces, ignore_index=True)[columns] if pieces else pd.DataFrame(columns=columns)


def _banded(differences: pd.DataFrame, scale: NDArray[np.float64]) -> pd.DataFrame:
    values = differences.to_numpy(dtype=float)
    mean, deviation, _ = moments(values, scale)
    half = np.full(len(mean), np.nan)
    if len(values) > 1:
        half = simultaneous_factor(values) * deviation / np.sqrt(len(values))
    low, high = np.clip([mean - half, mean + half], *SHARES_APART)
    frame = pd.DataFrame({"round": differences.columns, "mean": mean, "low": low, "high": high})
    return frame.assign(n_pairs=len(values))
