"""How the error of low-rank scores falls with the rank, for networks of different training."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from albench_strategies.emoc import lowrank, spectrum, worth
from albench_strategies.emoc.candidates import gather_unit
from albench_strategies.emoc.spectrum import top_directions
from benchmarks import table
from benchmarks.reference import reference

RANKS = (16, 32, 64, 128, 256, 512)
IMAGES, PAIRS = 48, 200  # of the expectation and of the pool, both drawn at random
TITLE = f"EMOC's error by rank: rms over {PAIRS} pairs, {IMAGES} images"
SHARES = (3e-2, 1e-2, 1e-3, 1e-4, 0.0)  # of the directions' squared norm
NARROW = f"EMOC's error by what is left out of the directions: rms over {PAIRS} pairs, {IMAGES} images"


@pytest.mark.parametrize("iterations", [0, 500, 2000])
@pytest.mark.benchmark(group="emoc rank")
def test_emoc_error_falls_with_the_rank(benchmark: Any, iterations: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "PILOT_IMAGES", IMAGES)
    monkeypatch.setattr(lowrank, "CHECKED_PAIRS", PAIRS)
    subject = reference(iterations)
    problem, draws = subject.problem(), torch.Generator().manual_seed(0)
    low = lowrank._LowRank(problem, problem.forms(), draws)
    low.held = gather_unit(low.problem, low.layout, low.drawn)
    directions = benchmark.pedantic(lambda: top_directions(low.held.rows, max(RANKS), draws), rounds=1)
    exact, errors = low._errors_by_rank(directions, list(RANKS), IMAGES)
    for rank, error in errors.items():
        table.add(TITLE, {"iterations": iterations, "r": rank, "rms error": error})
    for negligible in SHARES:
        monkeypatch.setattr(spectrum, "NEGLIGIBLE", negligible)
        trial = low._tried(directions[:128], exact)
        kept = ", ".join(f"{probe.basis.shape[1]} of {probe.basis.shape[0]}" for probe in trial.probes)
        row = {"iterations": iterations, "r": 128, "left out": negligible, "inputs kept": kept}
        table.add(NARROW, {**row, "rms error": trial.error})
    benchmark.extra_info.update(iterations=iterations, source=subject.source, rms_errors=errors)
