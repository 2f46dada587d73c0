"""A query of EMOC at the reference size: exact and within the default tolerance; seconds, memory, errors, bits."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from albench.bench import Size
from albench.bench.queries import make_benchmark_query
from albench.products.choice import PLAIN
from albench.running.measure import Measurement
from albench.running.mode import prepare_torch
from albench_strategies.emoc import cuda
from albench_strategies.emoc.exact import exact_scores
from albench_strategies.emoc.lowrank import low_rank_scores
from albench_strategies.emoc.problem import Problem
from albench_strategies.emoc.spectrum import rms_relative_error
from albench_strategies.numerics.gradients.recorder import Recorder
from benchmarks.on_gpu.products import PRECISIONS
from benchmarks.on_gpu.section import Session
from benchmarks.on_gpu.timing import first_line
from benchmarks.reference import Reference, reference

TOLERANCE = 0.01
ITERATIONS = 500
TRUE_PAIRS = 64  # scored in float64
DRY = Size(pool=24, labeled=12, classes=3, sets=1, set_size=2)


def measure(session: Session) -> None:
    """Leave a row for each path and precision, each run twice, as within a cell."""
    subject = _subject(session)
    prepare_torch(session.device, 1, PLAIN)
    some = torch.arange(min(TRUE_PAIRS, len(subject.labels)), device=session.device)
    truth = _truth(subject, session.device, some)
    for precision in PRECISIONS:
        problem = subject.problem(device=session.device, precision=precision)
        _row(session, subject, "exact", precision, "stored", lambda p=problem: (exact_scores(p), {}), some, truth)
    for precision, method in (("tf32", "stored"), ("tf32", "library"), ("tf32", "kernel"), ("bf16", "stored")):
        problem = subject.problem(device=session.device, precision=precision)
        _row(session, subject, "default", precision, method, lambda p=problem: _within(p), some, truth)
    torch.utils.deterministic.fill_uninitialized_memory = False
    problem = subject.problem(device=session.device)
    for path, work in (("exact", lambda: (exact_scores(problem), {})), ("default", lambda: _within(problem))):
        _row(session, subject, path, "tf32", "stored, new memory not filled", work, some, truth)


def _subject(session: Session) -> Reference:
    if not session.dry:
        torch.set_num_threads(8)  # the network is trained on the processor where there are images
        return reference(ITERATIONS)
    query = make_benchmark_query(DRY)
    return Reference(query.network, query.pool, query.labeled, query.logits.argmax(dim=1), "smooth noise")


def _truth(subject: Reference, device: str, some: Tensor) -> Tensor:
    problem = subject.problem(device=device, precision="fp32")
    network = copy.deepcopy(subject.network).double()
    return exact_scores(
        replace(
            problem,
            recorder=Recorder(network, linear_only=False),
            images=problem.images.double(),
            pool=problem.pool.double(),
        ),
        some,
    )


def _within(problem: Problem) -> tuple[Tensor | None, dict[str, Any]]:
    found = low_rank_scores(problem, TOLERANCE, torch.Generator().manual_seed(0))
    if found is None:
        return None, {"rank": None, "noted_error": None}
    return found.scores, {"rank": found.rank, "noted_error": found.error}


def _row(
    session: Session,
    subject: Reference,
    path: str,
    precision: str,
    method: str,
    work: Callable[[], tuple[Tensor | None, dict[str, Any]]],
    some: Tensor,
    truth: Tensor,
) -> None:
    row: dict[str, Any] = {"path": path, "precision": precision, "method": method, "source": subject.source}
    row |= {"images": len(subject.images), "pairs": len(subject.labels), "error": None}
    stored = cuda.prefers_kernel
    if method in ("library", "kernel"):
        cuda.prefers_kernel = lambda *_: method == "kernel"  # type: ignore[assignment]
    try:
        with Measurement(torch.device(session.device)) as first:
            once, more = work()
        with Measurement(torch.device(session.device)) as second:
            again, _ = work()
        row |= {"first_seconds": first.seconds, "seconds": second.seconds, "peak_bytes": second.peak_memory_bytes}
        row |= more
        if once is not None and again is not None:
            row["repeats_bitwise"] = torch.equal(once, again)
            row["rms_relative_error"] = rms_relative_error(once[some], truth)
            row["largest_relative_error"] = float((once[some].double() / truth - 1).abs().max())
    except Exception as error:  # noqa: BLE001 - a path that fails is a result, and the others are wanted
        row["error"] = first_line(error)
    finally:
        cuda.prefers_kernel = stored
    session.row(**row)
