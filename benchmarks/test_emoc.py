"""EMOC at the reference size, side by side in one run: what is timed on a part is scaled, and says so.

pytest benchmarks -k emoc                          (minutes; ALBENCH_DATA names the folder of CIFAR-100)
pytest benchmarks -k "emoc and side"               the table of paths alone
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, jacrev, vmap

from albench.running.measure import Measurement
from albench_strategies.emoc import exact
from albench_strategies.emoc.autograd import _gradients, _jacobian
from albench_strategies.emoc.exact import exact_scores
from albench_strategies.emoc.lowrank import low_rank_scores
from albench_strategies.emoc.spectrum import rms_relative_error
from benchmarks import table
from benchmarks.reference import Reference, reference

ITERATIONS = 500  # of training, for the side-by-side table
TOLERANCE = 0.01
PAPER_PAIRS = 3300  # distinct pairs of image and label in a query of the paper: 3,000 to 3,600
NAIVE_IMAGES, NAIVE_PAIRS = 10, 60
FUNC_IMAGES, FUNC_CHUNK = 12, 4
SIDE_BY_SIDE = "EMOC at the reference size, one thread (CPU seconds of the whole query; wall seconds on a GPU)"
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


def once(benchmark: Any, work: Callable[[], Any], device: str = "cpu") -> tuple[Any, Measurement]:
    """Run the work once, measured by pytest-benchmark and, with its peak memory, by albench.

    On the CPU, seconds become processor seconds, which other programs on the machine disturb less.
    """
    found: list[Any] = []
    cost = Measurement(torch.device(device))

    def measured() -> None:
        start = time.process_time()
        with cost:
            found.append(work())
        if device == "cpu":
            cost.seconds = time.process_time() - start

    benchmark.pedantic(measured, rounds=1, iterations=1)
    benchmark.extra_info.update(peak_memory_bytes=cost.peak_memory_bytes, cpu_seconds=cost.seconds)
    return found[0], cost


def note(benchmark: Any, path: str, seconds: float, timed_on: str, cost: Measurement, **more: Any) -> None:
    """Add a row to the table, with ratios to the naive loop and to the exact path where they ran before."""
    known = {row["path"]: row["seconds"] for row in table.rows(SIDE_BY_SIDE)}
    row = {
        "path": path,
        "timed on": timed_on,
        "seconds": seconds,
        "x faster than naive": known["naive loop"] / seconds if "naive loop" in known else None,
        "x faster than exact": known["exact"] / seconds if "exact" in known else None,
        "peak MB": None if cost.peak_memory_bytes is None else round(cost.peak_memory_bytes / 1e6),
        **more,
    }
    benchmark.extra_info.update(row)
    table.add(SIDE_BY_SIDE, row)


def weights_of(subject: Reference) -> list[torch.nn.Parameter]:
    return list(subject.network.requires_grad_(True).parameters())


@pytest.mark.benchmark(group="emoc side by side")
def test_emoc_side_by_side_naive_loop(benchmark: Any) -> None:
    subject = reference(ITERATIONS)
    weights, some = weights_of(subject), torch.arange(NAIVE_PAIRS)
    start = time.process_time()
    _gradients(subject.network, weights, subject.pool, some, subject.labels[some])
    per_pair = (time.process_time() - start) / NAIVE_PAIRS
    gradients = torch.randn(len(subject.pool), sum(weight.numel() for weight in weights))

    def part() -> Tensor:
        rows = [_jacobian(subject.network, weights, image, softmax=False) for image in subject.pool[:NAIVE_IMAGES]]
        return torch.stack([(row @ gradients.T).abs().sum(dim=0) for row in rows])

    _, cost = once(benchmark, part)
    whole = per_pair * len(subject.pool) + cost.seconds / NAIVE_IMAGES * len(subject.images)
    note(benchmark, "naive loop", whole, f"{NAIVE_IMAGES} images, {NAIVE_PAIRS} pairs, scaled", cost)


@pytest.mark.benchmark(group="emoc side by side")
def test_emoc_side_by_side_torch_func(benchmark: Any) -> None:
    subject = reference(ITERATIONS)
    weights = {name: value.detach() for name, value in subject.network.named_parameters()}
    gradients = torch.randn(len(subject.pool), sum(value.numel() for value in weights.values()))

    def outputs(values: dict[str, Tensor], image: Tensor) -> Tensor:
        return functional_call(subject.network, values, (image[None],))[0]

    jacobian = vmap(jacrev(outputs), in_dims=(None, 0))

    def part() -> None:
        for images in torch.split(subject.pool[:FUNC_IMAGES], FUNC_CHUNK):
            rows = torch.cat([value.flatten(2) for value in jacobian(weights, images).values()], dim=2)
            (rows.flatten(0, 1) @ gradients.T).abs().sum(dim=0)

    _, cost = once(benchmark, part)
    whole = cost.seconds / FUNC_IMAGES * len(subject.images)
    note(benchmark, f"torch.func, {FUNC_CHUNK} a chunk", whole, f"{FUNC_IMAGES} images, scaled", cost)


@pytest.mark.benchmark(group="emoc side by side")
def test_emoc_side_by_side_exact(benchmark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spent = {"seconds": 0.0, "operations": 0.0}
    product = exact._add_product

    def timed(problem: Any, changes: Any, jacobian: Tensor, side: Any) -> Tensor:
        start = time.process_time()
        result = product(problem, changes, jacobian, side)
        spent["seconds"] += time.process_time() - start
        spent["operations"] += 2 * jacobian.numel() * len(side.gradient)
        return result

    monkeypatch.setattr(exact, "_add_product", timed)
    subject = reference(ITERATIONS)
    before = sgemm_rate()
    _, cost = once(benchmark, lambda: exact_result(ITERATIONS))
    rate, bare = spent["operations"] / spent["seconds"], max(before, sgemm_rate())
    note(benchmark, "exact", cost.seconds, f"all, {subject.source}", cost, **{"share of sgemm rate": rate / bare})


@pytest.mark.benchmark(group="emoc side by side")
def test_emoc_side_by_side_low_rank(benchmark: Any) -> None:
    subject = reference(ITERATIONS)
    draws = torch.Generator().manual_seed(0)
    found, cost = once(benchmark, lambda: low_rank_scores(subject.problem(), TOLERANCE, draws))
    if found is None:
        pytest.skip(f"no rank is good enough on {subject.source}")
    error = rms_relative_error(found.scores, exact_result(ITERATIONS))
    note(benchmark, f"low rank, r={found.rank}", cost.seconds, f"all, {subject.source}", cost, **{"rms error": error})


@pytest.mark.benchmark(group="emoc side by side")
def test_emoc_side_by_side_low_rank_with_the_pairs_of_a_query_of_the_paper(benchmark: Any) -> None:
    """Candidate sets label an image in more than one way: 3,300 pairs of 2,000 images."""
    subject = reference(ITERATIONS)
    problem, draws = subject.problem(), torch.Generator().manual_seed(0)
    again = torch.randperm(len(problem), generator=draws)[: PAPER_PAIRS - len(problem)]
    others = (problem.labels[again] + 1) % 20
    problem = replace(
        problem, examples=torch.cat([problem.examples, again]), labels=torch.cat([problem.labels, others])
    )
    found, cost = once(benchmark, lambda: low_rank_scores(problem, TOLERANCE, draws))
    if found is None:
        pytest.skip(f"no rank is good enough on {subject.source}")
    note(benchmark, f"low rank, r={found.rank}, {PAPER_PAIRS} pairs", cost.seconds, f"all, {subject.source}", cost)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
@pytest.mark.benchmark(group="emoc side by side")
def test_emoc_side_by_side_exact_on_a_gpu(benchmark: Any, precision: str) -> None:
    problem = reference(ITERATIONS).problem(device="cuda", precision=precision)
    exact_scores(problem)  # libraries load and choose their kernels
    scores, cost = once(benchmark, lambda: exact_scores(problem), "cuda")
    error = rms_relative_error(scores.cpu(), exact_result(ITERATIONS))
    note(benchmark, f"exact, GPU, {precision}", cost.seconds, "all", cost, **{"rms error": error})


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("method", ["library", "triton"])
@pytest.mark.benchmark(group="emoc side by side")
def test_emoc_side_by_side_low_rank_on_a_gpu(benchmark: Any, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from albench_strategies.emoc import cuda

    monkeypatch.setattr(cuda, "prefers_kernel", lambda *_: method == "triton")
    problem = reference(ITERATIONS).problem(device="cuda")

    def work() -> Any:
        return low_rank_scores(problem, TOLERANCE, torch.Generator().manual_seed(0))

    work()
    found, cost = once(benchmark, work, "cuda")
    assert found is not None
    error = rms_relative_error(found.scores.cpu(), exact_result(ITERATIONS))
    note(benchmark, f"low rank, GPU, {method}, r={found.rank}", cost.seconds, "all", cost, **{"rms error": error})


@cache
def exact_result(iterations: int) -> Tensor:
    return exact_scores(reference(iterations).problem())


def sgemm_rate() -> float:
    """Return the best of some square products, in operations a second."""
    a = torch.randn(2048, 2048)
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        torch.mm(a, a)
        best = min(best, time.process_time() - start)
    return 2 * 2048**3 / best
