"""How well EMOC over few random images ranks candidate sets, against all images: real CIFAR-100, preset lite.

    python benchmarks/expectation.py [--data DIR] [--iterations 1000] [--seed 0]

Prints Spearman's rank correlation of the scores of a round's 1,000 candidate sets with the exact ones.
"""

from __future__ import annotations

import argparse

import torch
from scipy.stats import spearmanr

import albench
from albench.contracts.learner import Examples
from albench.datadir import data_settings
from albench.rng import stream
from albench.running.initial import new_model
from albench.running.loop import Loop
from albench.study.study import Request, read_study

SIZES = (25, 50, 100, 200, 400)


def first_round(seed: int, iterations: int) -> albench.Query:
    """Return the first query of a cell of preset lite, after that many iterations of initial training."""
    cell = read_study(Request(preset="lite", seeds=[seed], values={"initial_iterations": iterations})).cells()[0]
    split = cell.setting.scenario.build().split(seed)
    loop = Loop(cell, split, new_model(cell, split, "cpu"), split.initial.tolist())
    loop.learner.fit(loop.model, Examples(split.images[split.initial], split.labels[split.initial]))
    pool = loop.pool()
    return loop.query(pool, loop.protocol.sets(split.labels[pool], stream(seed, "candidate sets", 1)), 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=None)
    parser.add_argument("--iterations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    torch.set_num_threads(1)
    with data_settings(words.data, offline=True):
        query = first_round(words.seed, words.iterations)
    exact = albench.strategy("emoc[tolerance=0]").score_sets(query)
    print(f"cifar100, seed {words.seed}, {words.iterations} iterations: rank correlation with all images")
    for size in SIZES:
        scores = albench.strategy(f"emoc[expectation={size},tolerance=0]").score_sets(query)
        print(f"expectation={size}: {spearmanr(scores, exact).statistic:.4f}", flush=True)


if __name__ == "__main__":
    main()
