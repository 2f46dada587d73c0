"""Is the default tolerance kept? Low-rank scores against exact ones on real queries, in float32 and with bf16 products.

pytest benchmarks -k "emoc and accuracy"           ALBENCH_BENCH_QUERIES=5 asks five seeds' queries instead of one
"""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
import torch
from scipy.stats import spearmanr

from albench.products.matmul import usable, use
from albench_strategies.emoc.exact import exact_scores
from albench_strategies.emoc.lowrank import low_rank_scores
from albench_strategies.emoc.spectrum import rms_relative_error
from benchmarks import table
from benchmarks.reference import reference

TOLERANCE = 0.01
IMAGES = int(os.environ.get("ALBENCH_BENCH_IMAGES", "400"))  # of the expectation, for exact and low-rank scores alike
QUERIES = int(os.environ.get("ALBENCH_BENCH_QUERIES", "1"))
TITLE = f"EMOC at the default tolerance {TOLERANCE} against exact scores, {IMAGES} images (CPU seconds)"


@pytest.mark.parametrize("output", ["logits", "softmax"])
@pytest.mark.parametrize("iterations", [0, 500, 2000])
@pytest.mark.parametrize("seed", range(QUERIES))
@pytest.mark.benchmark(group="emoc accuracy")
def test_emoc_accuracy_of_low_rank_scores(benchmark: Any, seed: int, iterations: int, output: str) -> None:
    subject = reference(iterations, seed)
    problem = subject.problem(IMAGES, softmax=output == "softmax")
    use("mkl")
    start = time.process_time()
    wanted = exact_scores(problem)
    exact_seconds = time.process_time() - start

    def measured() -> None:
        for product in dict.fromkeys(usable(name) for name in ("mkl", "onednn+bf16")):
            use(product)
            draws = torch.Generator().manual_seed(seed)
            start = time.process_time()
            found = low_rank_scores(problem, TOLERANCE, draws)
            seconds = time.process_time() - start
            row = {"seed": seed, "iterations": iterations, "output": output, "product": product, "seconds": seconds}
            row |= {"exact seconds": exact_seconds, "r": found.rank if found else "exact"}
            if found is not None:
                errors = found.scores / wanted - 1
                pairs = subject.set_scores(found.scores), subject.set_scores(wanted)
                row |= {
                    "estimated rms error": found.error,
                    "rms error": rms_relative_error(found.scores, wanted),
                    "worst error": float(errors.abs().max()),
                    "rank correlation of set scores": float(spearmanr(*pairs).statistic),
                }
            table.add(TITLE, row)
            print(row, flush=True)

    try:
        benchmark.pedantic(measured, rounds=1)
    finally:
        use("mkl")
