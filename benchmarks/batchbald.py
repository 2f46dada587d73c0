"""What BatchBALD's batches tell of the network, and how many sets tell all that can be told: real CIFAR-100.

python benchmarks/batchbald.py [--data DIR] [--iterations 600] [--seeds 3]

For three networks: the joint information of batches, in nats, estimated from 100,000 label configurations in float64
that no strategy saw; and the values of a round's 1,000 single-class sets of 25, how many of them lie within .05 of the
cap log T, and Spearman's rank correlation with the values of 1,000 other dropout networks. Processor seconds, one
thread.
"""

from __future__ import annotations

import argparse
import math
import time

import torch
from scipy.stats import spearmanr
from torch import Tensor

import albench
from albench.contracts.query import Query
from albench.datadir import data_settings
from albench_strategies.batchbald import BatchBald
from benchmarks.expectation import first_round

N_CONFIGURATIONS = 100_000
SAMPLES = (20, 50, 100, 200)
CAP_MARGIN = 0.05


def information(posteriors: Tensor, chosen: Tensor) -> float:
    """Return the joint information of the chosen examples and the network, for posteriors (T, n_pool, C)."""
    p = posteriors[:, chosen].double()
    draws = torch.Generator().manual_seed(1)
    network = torch.arange(N_CONFIGURATIONS) % len(p)
    logs = torch.zeros(N_CONFIGURATIONS, len(p), dtype=torch.float64)
    for place in range(p.shape[1]):
        bounds = p[:, place].cumsum(dim=1)[network, :-1]
        labels = (torch.rand(N_CONFIGURATIONS, 1, generator=draws, dtype=torch.float64) > bounds).sum(dim=1)
        logs += p[:, place].clamp_min(1e-300).log().T[labels]
    told = logs[torch.arange(N_CONFIGURATIONS), network] - logs.logsumexp(dim=1) + math.log(len(p))
    return float(told.mean())


def fresh(query: Query, seed: int = 0) -> Query:
    """Return the query with its generator at another beginning, so that all see the same dropout networks."""
    query.generator.manual_seed(seed)
    return query


def batches(query: Query, k: int, samples: int) -> None:
    """Print what batches of k tell."""
    posteriors = BatchBald(samples=samples).posteriors(fresh(query))
    print(f"  k = {k}, T = {samples}, cap {math.log(samples):.3f}")
    for name in ("bald", "batchbald", "batchbald[configurations=10000]"):
        text = name[:-1] + f",samples={samples}]" if "[" in name else f"{name}[samples={samples}]"
        start = time.process_time()
        chosen = albench.strategy(text).select(fresh(query), k)
        seconds = time.process_time() - start
        print(f"    {name}: {information(posteriors, chosen):.4f} nats, {seconds:.1f} s", flush=True)


def saturation(query: Query) -> None:
    """Print how close the values of single-class sets come to their cap."""
    reference = BatchBald(samples=1000).score_sets(fresh(query, 1))
    for samples in SAMPLES:
        values = BatchBald(samples=samples).score_sets(fresh(query))
        full = float((values > math.log(samples) - CAP_MARGIN).double().mean())
        agreement = spearmanr(values, reference).statistic
        print(f"  T = {samples}: {100 * full:.0f} % at the cap, rank correlation {agreement:.2f}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=None)
    parser.add_argument("--iterations", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    words = parser.parse_args()
    torch.set_num_threads(1)
    for seed in range(words.seeds):
        with data_settings(words.data, offline=True):
            query = first_round(seed, words.iterations)
        print(f"cifar100, seed {seed}, {query.n_classes} classes, {len(query.pool)} images", flush=True)
        for k, samples in ((10, 20), (10, 100), (25, 100)):
            batches(query, k, samples)
        saturation(query)


if __name__ == "__main__":
    main()
