"""How the error of low-rank scores falls with the rank, for networks of different training."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from albench_strategies.emoc import lowrank
from albench_strategies.emoc.spectrum import factored, rms_relative_error, top_directions
from benchmarks import table
from benchmarks.reference import reference

RANKS = (16, 32, 64, 128, 256, 512)
IMAGES, PAIRS = 48, 200  # of the expectation and of the pool, both drawn at random
TITLE = f"EMOC's error by rank: rms and worst over {PAIRS} pairs, {IMAGES} images"
SHARES = (3e-2, 1e-2, 1e-3, 1e-4, 0.0)  # of the directions' squared norm
NARROW = f"EMOC's error by what is left out of the directions: rms over {PAIRS} pairs, {IMAGES} images"


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
    for negligible in SHARES:
        rank, some = 128, directions[:128]
        sizes = (low.held.rows @ some.T).square().mean(dim=0).sqrt()
        shapes, parts = problem.shapes(), torch.split(some, low.layout.widths, dim=1)
        found = [
            factored(part, sizes, shapes[n].width, negligible)
            for n, part in zip(low.layout.explicit, parts, strict=True)
        ]
        seen = torch.cat([probe.expanded() for probe in found], dim=1)
        near = (others + (jacobian @ seen.T) @ (low.check.rows @ some.T).T).abs().sum(dim=0)
        kept = ", ".join(f"{probe.basis.shape[1]} of {probe.basis.shape[0]}" for probe in found)
        row = {"iterations": iterations, "r": rank, "left out": negligible, "inputs kept": kept}
        table.add(NARROW, {**row, "rms error": rms_relative_error(near, exact)})
    benchmark.extra_info.update(iterations=iterations, source=subject.source, rms_errors=errors)
