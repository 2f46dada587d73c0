"""What BAIT leaves of the pool's Fisher information beside the authors' loop: three networks on real CIFAR-100.

python benchmarks/bait.py [--data DIR] [--iterations 600] [--seeds 3] [-k 10]

The trace is that of the exact information, each chosen example weighing K / (n + K) as in the authors' code, in percent
of the trace before; lower is better. The loop is written anew from their description, with dense matrices. "Light" is
the loop with a weight of 1 / (n + K). Processor seconds of selecting, one thread.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor

import albench
from albench.contracts.query import Query
from albench.datadir import data_settings
from benchmarks.expectation import first_round

RIDGE = 1.0


class Loop:
    """The embeddings of all examples, (n, C, C d) float64, and the greedy selection from them."""

    def __init__(self, query: Query, k: int) -> None:
        with torch.no_grad():
            labeled = query.network.head(query.labeled_features).softmax(dim=1)
        known = _embeddings(query.labeled_features, labeled)
        self.pool = _embeddings(query.features, query.probabilities)
        self.n, self.k = len(known), k
        self.every = (_gram(known) + _gram(self.pool)) / (len(known) + len(self.pool))
        eye = torch.eye(len(self.every), dtype=torch.float64)
        self.start = torch.linalg.inv(RIDGE * eye + _gram(known) / (self.n + k))

    def trace(self, chosen: list[int]) -> float:
        """Return the trace that is left, in percent of that before."""
        gathered = torch.linalg.inv(self.start) + _gram(self.pool[chosen]) * self.k / (self.n + self.k)
        return 100 * float((torch.linalg.inv(gathered) @ self.every).trace() / (self.start @ self.every).trace())

    def select(self, weight: float) -> list[int]:
        """Return k examples that weigh that much, 2 k forward and k away again."""
        x, inverse = self.pool * weight**0.5, self.start
        chosen: list[int] = []
        while len(chosen) < 2 * self.k:
            gains = self._gains(x, inverse, 1.0)
            gains[chosen] = -torch.inf
            chosen.append(int(gains.argmax()))
            inverse = _updated(inverse, x[chosen[-1]], 1.0)
        while len(chosen) > self.k:
            gone = chosen.pop(int(self._gains(x[chosen], inverse, -1.0).argmax()))
            inverse = _updated(inverse, x[gone], -1.0)
        return chosen

    def _gains(self, x: Tensor, inverse: Tensor, sign: float) -> Tensor:
        reach = x @ inverse
        inner = torch.eye(x.shape[1], dtype=x.dtype) + sign * reach @ x.transpose(1, 2)
        outer = sign * reach @ self.every @ reach.transpose(1, 2)
        gains: Tensor = torch.linalg.solve(inner, outer).diagonal(dim1=1, dim2=2).sum(dim=1)
        return gains


def _embeddings(features: Tensor, posteriors: Tensor) -> Tensor:
    """Return sqrt(p_y) times the gradient under each label y, (n, C, C d)."""
    f, p = features.double(), posteriors.double()
    residuals = torch.eye(p.shape[1], dtype=p.dtype) - p[:, None]
    return (p.sqrt()[:, :, None] * residuals)[..., None].mul(f[:, None, None]).flatten(2)


def _gram(embeddings: Tensor) -> Tensor:
    rows = embeddings.flatten(0, 1)
    return rows.T @ rows


def _updated(inverse: Tensor, x: Tensor, sign: float) -> Tensor:
    reach = inverse @ x.T
    inner = torch.eye(len(x), dtype=x.dtype) + sign * x @ reach
    return inverse - sign * reach @ torch.linalg.solve(inner, reach.T)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=None)
    parser.add_argument("--iterations", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("-k", type=int, default=10)
    words = parser.parse_args()
    torch.set_num_threads(1)
    for seed in range(words.seeds):
        with data_settings(words.data, offline=True):
            query = first_round(seed, words.iterations)
        loop = Loop(query, words.k)
        total = loop.n + loop.k
        rows = {"authors' loop": loop.select(loop.k / total), "light": loop.select(1 / total)}
        print(f"cifar100, seed {seed}, {query.n_classes} classes, {len(query.pool)} images, k = {words.k}", flush=True)
        for name in ("bait", "bait[fisher=binary]", "entropy", "random"):
            start = time.process_time()
            rows[name] = albench.strategy(name).select(query, words.k).tolist()
            print(f"  {name}: {time.process_time() - start:.2f} s", flush=True)
        for name, chosen in rows.items():
            print(f"  {name}: {loop.trace(chosen):.2f} % left", flush=True)


if __name__ == "__main__":
    main()
