"""How the error of low-rank scores falls with the rank, for networks of different training."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from albench_strategies.emoc import lowrank
from albench_strategies.emoc.spectrum import rms_relative_error, top_directions
from benchmarks import table
from benchmarks.reference import reference

RANKS = (16, 32, 64, 128, 256, 512)
IMAGES, PAIRS = 48, 200  # of the expectation and of the pool, both drawn at random
TITLE = f"EMOC's error by rank: rms and worst over {PAIRS} pairs, {IMAGES} images"


@pytest.mark.parametrize("iterations", [0, 500, 2000])
@pytest.mark.benchmark(group="emoc rank")
def test_emoc_error_falls_with_the_rank(benchmark: Any, iterations: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowrank, "PILOT_IMAGES", IMAGES)
    monkeypatch.setattr(lowrank, "CHECKED_PAIRS", PAIRS)
    subject = reference(iterations)
    problem, draws = subject.problem(), torch.Generator().manual_seed(0)
    low = lowrank._LowRank(problem, problem.forms(), draws)
    jacobian, others = low._pilot_changes()
    exact = (others + jacobian @ low.check.rows.T).abs().sum(dim=0)
    directions = benchmark.pedantic(lambda: top_directions(low.held.rows, max(RANKS), draws), rounds=1)
    errors = {}
    for rank in RANKS:
        some = directions[:rank]
        near = (others + (jacobian @ some.T) @ (low.check.rows @ some.T).T).abs().sum(dim=0)
        errors[rank] = rms_relative_error(near, exact)
        worst = float((near / exact - 1).abs().max())
        table.add(TITLE, {"iterations": iterations, "r": rank, "rms error": errors[rank], "worst error": worst})
    benchmark.extra_info.update(iterations=iterations, source=subject.source, rms_errors=errors)
