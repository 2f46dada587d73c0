"""What the report's statistics do on results whose truth is known: false claims, power, coverage.

    python benchmarks/statistics.py [--studies 4000] [--coverage 4000] [--seed 0]

Prints the tables of docs/report.md. Every number is from `albench.analysis`; studies are settings of one frame.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from albench.analysis import LEVEL, savings, simultaneous_factor
from albench.analysis.intervals import SHARE, columns_mean, paired_t_columns, smallest_detectable
from albench.analysis.ranks import told_apart

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int, int]], Array]
NOISES: dict[str, Draw] = {
    "normal": lambda draws, shape: draws.normal(size=shape),
    "skewed": lambda draws, shape: draws.exponential(size=shape) - 1,
    "unequal variances": lambda draws, shape: draws.normal(size=shape) * np.geomspace(0.3, 3, shape[2]),
    "skewed, unequal": lambda draws, shape: (draws.exponential(size=shape) - 1) * np.linspace(0.5, 1.5, shape[2]),
}
SPREAD = 0.01  # of accuracies


def studies(kind: str, count: int, n: int, k: int, seed: int) -> Array:
    """Return (count, n, k) areas without any true difference, of seeds that differ."""
    draws = np.random.default_rng([seed, n, k, *kind.encode()])
    return 0.5 + 0.05 * draws.normal(size=(count, n, 1)) + SPREAD * NOISES[kind](draws, (count, n, k))


def claims(values: Array) -> tuple[Array, Array]:
    """Return the p of comparisons with the first strategy, all of a study together, and their signs, (studies, k - 1).

    As `compare` does it: a claim is a p below .05.
    """
    count, n, k = values.shape
    differences = (values[:, :, 1:] - values[:, :, :1]).transpose(1, 0, 2).reshape(n, -1)
    p, sign = paired_t_columns(differences)
    return np.minimum(1, (k - 1) * p).reshape(count, k - 1), sign.reshape(count, k - 1)


def false_claims(kind: str, count: int, n: int, k: int, seed: int) -> tuple[float, float]:
    """Return the shares of null studies with a claim about the reference, and with two strategies told apart."""
    values = studies(kind, count, n, k, seed)
    against = (claims(values)[0] < LEVEL).any(axis=1)
    return float(against.mean()), float(np.mean([told_apart(study).any() for study in values]))


def power(count: int, n: int, k: int, times: float, seed: int) -> tuple[float, float]:
    """Return how often a lead of so many times the detectable difference is claimed, and called the best of all."""
    values = studies("normal", count, n, k, seed + 1)
    deviation = SPREAD * np.sqrt(2)  # the true one of a difference
    values[:, :, 1] += times * smallest_detectable(deviation, n)
    p, sign = claims(values)
    claimed = (p[:, 0] < LEVEL) & (sign[:, 0] > 0)
    best = [told_apart(study)[1].sum() == k - 1 for study in values]
    return float(claimed.mean()), float(np.mean(best))


def coverages(count: int, n: int, seed: int) -> Iterable[tuple[str, float]]:
    """Return how often each kind of interval holds the truth."""
    draws = np.random.default_rng([seed, n])
    normal = draws.normal(0.5, 0.05, (count, n))
    yield "mean accuracy or area (t, cut)", _covered(normal, 0.5)
    near = draws.beta(1, 19, (count, n))
    yield "the same near a bound: Beta(1, 19)", _covered(near, 0.05)
    shares = draws.binomial(10, 0.7, (count, n)) / 10
    yield "discovery: coverage of 10 classes (t, cut)", _covered(shares, 0.7)
    kept = claims(studies("normal", count, n, 5, seed))[0] >= LEVEL  # the interval holds 0
    yield "4 paired differences together", float(kept.all(axis=1).mean())
    curves = np.cumsum(draws.normal(size=(min(count, 400), n, 20)), axis=2)
    yield "difference curve of 20 rounds, whole", float(np.mean([_band_holds(one) for one in curves]))
    labels = np.exp(draws.normal(0, 0.3, (count, n, 2)))  # of the strategy and of the reference: a median saving of 0
    yield "median saving (sign test)", _saving_holds(labels)


def _covered(values: Array, truth: float) -> float:
    found = columns_mean(values.T, SHARE)
    return float(((found["low"] <= truth) & (truth <= found["high"])).mean())


def _band_holds(curves: Array) -> bool:
    half = simultaneous_factor(curves) * curves.std(axis=0, ddof=1) / np.sqrt(len(curves))
    return bool((np.abs(curves.mean(axis=0)) <= half).all())


def _saving_holds(labels: Array) -> float:
    studies, seeds, strategies = np.indices(labels.shape).reshape(3, -1)
    cells = pd.DataFrame(
        {
            "setting": studies,
            "strategy": strategies,
            "seed": seeds,
            "n_queried": np.ceil(1000 * labels).ravel(),
            "n_budget": 1e6,
        }
    )
    found = savings(cells, 0)  # type: ignore[arg-type]
    if found["saving_low"].isna().all():
        return float("nan")
    return float(((found["saving_low"] <= 0) & (found["saving_high"] >= 0)).mean())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=4000)
    parser.add_argument("--coverage", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    print("| k | N | noise | claims against the reference | two told apart |\n|---|---|---|---|---|")
    for k in (12, 35):
        for n in (3, 5, 9):
            for kind in NOISES:
                against, apart = false_claims(kind, words.studies, n, k, words.seed)
                print(f"| {k} | {n} | {kind} | {against:.3f} | {apart:.3f} |", flush=True)
    print("\n| k | N | lead | claimed | called the best |\n|---|---|---|---|---|")
    for k in (5, 12, 35):
        for n in (3, 5, 9):
            for times in (1, 2):
                claimed, best = power(words.studies // 4, n, k, times, words.seed)
                print(f"| {k} | {n} | {times} x detectable | {claimed:.2f} | {best:.2f} |", flush=True)
    sizes = (2, 3, 5, 6, 9, 20)
    found = {n: dict(coverages(words.coverage, n, words.seed)) for n in sizes}
    print(f"\n| interval, N = | {' | '.join(map(str, sizes))} |\n|---|{'---|' * len(sizes)}")
    for name in found[sizes[0]]:
        shares = [found[n][name] for n in sizes]
        print(f"| {name} | {' | '.join('none' if np.isnan(share) else f'{share:.3f}' for share in shares)} |")


if __name__ == "__main__":
    main()
