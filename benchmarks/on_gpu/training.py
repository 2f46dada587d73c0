"""Eager training of `cifar10-quick`, alone: iterations a second, memory, and whether the same training repeats."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import albench
from albench.contracts.learner import Examples
from albench.products.choice import PLAIN
from albench.running.measure import Measurement
from albench.running.mode import prepare_torch
from albench.training.finetune import Finetune
from albench.training.model import Model
from benchmarks.on_gpu.scenario import Patterns
from benchmarks.on_gpu.section import Session
from benchmarks.on_gpu.timing import first_line

ITERATIONS, DRY_ITERATIONS = 1000, 3
BATCH, DRY_BATCH = 64, 4


def measure(session: Session) -> None:
    """Leave a row for each precision; each training is done twice from the same draws."""
    prepare_torch(session.device, 1, PLAIN)
    split = Patterns(images_a_class=120 if not session.dry else 8, **_small(session)).split(0)
    examples = Examples(split.images[split.initial], split.labels[split.initial])
    for precision in ("fp32", "bf16"):
        row: dict[str, Any] = {"precision": precision, "images": len(examples), "error": None}
        try:
            row |= _trained(session, split.known, examples, precision)
        except Exception as error:  # noqa: BLE001 - a precision that fails is a result
            row["error"] = first_line(error)
        session.row(**row)


def _small(session: Session) -> dict[str, int]:
    few = 2 if session.dry else 10
    return {"initial_per_class": few if session.dry else 100, "pool_per_class": few, "test_per_class": few}


def _trained(session: Session, known: Any, examples: Examples, precision: str) -> dict[str, Any]:
    iterations = DRY_ITERATIONS if session.dry else ITERATIONS
    learner = Finetune(
        initial_iterations=iterations, batch_size=DRY_BATCH if session.dry else BATCH, precision=precision
    )
    weights, seconds, peaks = [], [], []
    for _ in range(2):
        model = Model(albench.network("cifar10-quick"), 0, known, examples.inputs, session.device)
        with Measurement(torch.device(session.device)) as cost:
            learner.fit(model, examples)
        weights.append(model.weights())
        seconds.append(cost.seconds)
        peaks.append(cost.peak_memory_bytes)
    return {
        "iterations": iterations,
        "batch_size": learner.batch_size,
        "first_seconds": seconds[0],
        "seconds": seconds[1],
        "milliseconds_an_iteration": 1e3 * seconds[1] / iterations,
        "peak_bytes": peaks[1],
        "repeats_bitwise": all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0]),
    }
