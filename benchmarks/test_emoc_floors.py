"""EMOC beside its floors: the fastest products measured in the same run, at the reference size and at 100 classes.

pytest benchmarks -k "emoc and floors"       (ten minutes; ALBENCH_DATA names the folder of CIFAR-100; ALBENCH_BEFORE a
                                             checkout of an older commit, whose exact path is then timed beside)
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from albench.products.choice import chosen
from albench.products.matmul import usable, use
from albench_strategies.emoc.exact import exact_scores
from albench_strategies.emoc.lowrank import low_rank_scores
from albench_strategies.emoc.problem import Problem
from benchmarks import table
from benchmarks.reference import Reference, reference
from benchmarks.test_products import rates

ITERATIONS, IMAGES, PAIRS = 500, 3000, 2000
# At 20 outputs, 19.1 TFLOP for the products and 2.65 to build J. More outputs than the 64 inputs of the head are
# mixtures of 64 functions, so the least at 100 is 64 / 20 of that, and 0.08 TFLOP to mix.
EXACT_OPERATIONS = {20: 21.8e12, 100: 69.8e12}
# Of the default path, an image: docs/emoc.md. At 20 outputs 0.07 GFLOP are the forward pass, the narrowed patches
# (0.06) and the products with all pairs at r = 128 (0.01). The rest grows with the backward passes, of which 100
# outputs need 64; their products with all pairs take 0.05 GFLOP, and mixing 0.002.
IMAGE_OPERATIONS = {20: 0.52e9, 100: 0.45e9 * 64 / 20 + 0.06e9 + 0.05e9 + 0.002e9}
BASIS_OPERATIONS = (
    2 * PAIRS * (79_328 * (2 * 176 + 128) + 2 * 12.3e6)
)  # a sketch, coordinates, gradients and J of pairs
TITLE = f"EMOC and its floors: {IMAGES} images, {PAIRS} pairs, one thread (processor seconds; exact timed on parts)"
VAIN = "An attempt at low rank in vain: noise, an untrained network (processor seconds; exact timed on parts)"
CHUNKS = {
    20: (31, 155),
    100: (7, 35),
}  # images on which exact scores are timed: whole chunks, the first for what is fixed


def seconds(work: Any) -> tuple[float, Any]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


@cache
def subject(classes: int) -> Reference:
    """Return the reference query, its network with outputs for so many classes."""
    known = reference(ITERATIONS)
    head = known.network.head
    if classes == head.out_features:
        return known
    more = 0.1 * torch.randn(classes - head.out_features, head.in_features, generator=torch.Generator().manual_seed(0))
    network = copy.deepcopy(known.network)
    network.head = nn.Linear(head.in_features, classes)
    with torch.no_grad():
        network.head.weight.copy_(torch.cat([head.weight, more]))
        network.head.bias.copy_(torch.cat([head.bias, torch.zeros(len(more))]))
        labels = torch.cat([network(part) for part in torch.split(known.pool, 250)]).argmax(dim=1)
    return replace(known, network=network, labels=labels)


def exact_seconds(problem: Problem, images: tuple[int, int]) -> float:
    """Return what exact scores of all images take, from two numbers of images."""
    few, many = (seconds(lambda n=n: exact_scores(replace(problem, images=problem.images[:n])))[0] for n in images)
    return few + (many - few) / (images[1] - images[0]) * (len(problem.images) - images[0])


def before() -> float | None:
    """Return what exact scores took in an older checkout, timed in the same way in a process of its own."""
    folder = os.environ.get("ALBENCH_BEFORE")
    if not folder:
        return None
    first, second = CHUNKS[20]
    script = (
        "import time, torch; torch.set_num_threads(1)\n"
        "from benchmarks.reference import reference\n"
        "from albench_strategies.emoc.exact import exact_scores\n"
        f"subject, found = reference({ITERATIONS}), []\n"
        f"for n in ({first}, {second}):\n"
        "    start = time.process_time(); exact_scores(subject.problem(n)); found.append(time.process_time() - start)\n"
        f"print(found[0] + (found[1] - found[0]) / {second - first} * ({IMAGES} - {first}))\n"
    )
    path = os.pathsep.join(str(Path(folder) / part) for part in (".", "strategies", "datasets", "reports"))
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, cwd=folder, env={**os.environ, "PYTHONPATH": path}, check=True, capture_output=True)
    return float(done.stdout.split()[-1])


@pytest.mark.parametrize("classes", [20, 100])
def test_emoc_and_its_floors(classes: int) -> None:
    problem, best = subject(classes).problem(), usable(chosen())
    found = rates((1024, 4096, PAIRS))
    exact_rate = max(rate for name, rate in found.items() if name != "bf16")
    exact_before = before() if classes == 20 else None
    for product in dict.fromkeys(["mkl", best.partition("+")[0], best]):
        use(product)
        rate = found["bf16"] if product.endswith("+bf16") else exact_rate
        row: dict[str, Any] = {"classes": classes, "product": product}
        remembered = []
        if "+" not in product:
            exact = exact_seconds(problem, CHUNKS[classes])
            row |= {"exact": exact, "exact's share of the fastest": EXACT_OPERATIONS[classes] / exact / exact_rate}
        default, scores = seconds(lambda: low_rank_scores(problem, 0.01, torch.Generator().manual_seed(0)))
        counted = IMAGES * IMAGE_OPERATIONS[classes] + BASIS_OPERATIONS
        row |= {"r": scores.rank if scores else "exact", "noted error": scores.error if scores else 0.0}
        row |= {"default": default, "default / floor in float32": default / (counted / exact_rate)}
        row |= {"default / floor at its rate": default / (counted / rate), "exact / default": exact / default}
        remembered.append("exact / default")
        if exact_before is not None:
            row |= {"exact before": exact_before, "exact before / default": exact_before / default}
        table.add(TITLE, row, higher=remembered, lower=["default / floor in float32"], name=f"{classes}, {product}")
    use("mkl")


@pytest.mark.parametrize(("pairs", "images"), [(500, 550), (2000, 550)])
def test_emoc_floors_of_an_attempt_in_vain(pairs: int, images: int) -> None:
    known = reference(0).problem()
    noise: Tensor = 50 * torch.randn(known.pool.shape, generator=torch.Generator().manual_seed(0))
    problem = replace(
        known, pool=noise, images=noise[:images], examples=known.examples[:pairs], labels=known.labels[:pairs]
    )
    for product in dict.fromkeys(["mkl", usable(chosen())]):
        use(product)
        attempt, scores = seconds(lambda: low_rank_scores(problem, 0.01, torch.Generator().manual_seed(0)))
        assert scores is None, "noise has no low rank"
        exact = exact_seconds(problem, (31, 93))
        row = {"pairs": pairs, "images": images, "product": product, "attempt": attempt, "exact": exact}
        table.add(
            VAIN, row | {"attempt / exact": attempt / exact}, lower=["attempt / exact"], name=f"{pairs}, {product}"
        )
    use("mkl")
