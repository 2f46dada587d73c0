"""How much CLUE's picks weigh, and how good its k-means is beside scikit-learn's: real CIFAR-100, preset lite.

    python benchmarks/clue.py [--data DIR] [--iterations 600] [--seed 0] [-k 50]

Prints, at temperatures 1 and 0.1, how many of k picks weigh less than 1 % of the mean weight, and the inertia of the
k-means behind them; scikit-learn's KMeans with `sample_weight`, from ten draws of its own start, beside it.
"""

from __future__ import annotations

import argparse

import torch
from sklearn.cluster import KMeans
from torch import Tensor

import albench
from albench.datadir import data_settings
from albench_strategies.clusters import Clue
from albench_strategies.numerics.clustering import kmeans, representatives
from albench_strategies.numerics.geometry import nearest
from benchmarks.expectation import first_round

TEMPERATURES = (1.0, 0.1)
DRAWS = 10


def light(weights: Tensor, picks: Tensor) -> int:
    """Return how many of the picks weigh less than 1 % of the mean."""
    return int((weights[picks] < 0.01 * weights.mean()).sum())


def compare(query: albench.Query, temperature: float, k: int) -> None:
    """Print one line for CLUE's selection, and one for scikit-learn's."""
    strategy = Clue(temperature=temperature)
    points, weights = query.features, strategy.weights(query)
    centres, _ = kmeans(points, k, weights)
    inertia = float(nearest(points, centres) @ weights)
    share = float((weights < 0.01 * weights.mean()).float().mean())
    print(f"T={temperature}: {share:.0%} of the pool weigh under 1 % of the mean")
    print(f"  albench: {light(weights, strategy.select(query, k))} of {k} picks do; inertia {inertia:.6g}")
    fits = [KMeans(k, n_init=1, random_state=draw).fit(points, sample_weight=weights) for draw in range(DRAWS)]
    picks = [representatives(points, torch.from_numpy(fit.cluster_centers_).to(points), k) for fit in fits]
    counts = sorted(light(weights, chosen) for chosen in picks)
    inertias = sorted(fit.inertia_ for fit in fits)
    print(
        f"  scikit-learn: {counts[0]} to {counts[-1]} of {k} do; inertia {inertias[0]:.6g} to {inertias[-1]:.6g}, "
        f"ours {inertia / inertias[0]:.3f} of the best",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=None)
    parser.add_argument("--iterations", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-k", type=int, default=50)
    words = parser.parse_args()
    torch.set_num_threads(1)
    with data_settings(words.data, offline=True):
        query = first_round(words.seed, words.iterations)
    print(f"cifar100, seed {words.seed}, {words.iterations} iterations, {len(query.pool)} pool images")
    for temperature in TEMPERATURES:
        compare(query, temperature, words.k)


if __name__ == "__main__":
    main()
