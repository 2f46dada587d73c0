"""Asking a strategy, and holding it to its contract: what it breaks fails its own cell, with a sentence."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from albench.contracts.query import Query
from albench.contracts.strategy import Strategy
from albench.errors import StrategyError
from albench.measure import Measurement


@dataclass(frozen=True)
class Answer:
    """The candidate set that a strategy wants, and what asking cost."""

    chosen: int
    seconds: float
    peak_memory_bytes: int | None
    notes: Mapping[str, float | int | str]


def ask(strategy: Strategy, query: Query) -> Answer:
    """Return the candidate set of the highest score; ties go to the lowest index.

    Raises StrategyError when the scores are not one finite number a set on the query's device, or when the strategy
    changed the network, the images or a global random generator.
    """
    assert query.sets is not None
    with untouched(query), Measurement(query.device) as cost:
        scores = strategy.score_sets(query)
    if strategy.permission is not None:
        query.note("permission", strategy.permission)
    checked = check_scores(scores, len(query.sets), query.device, "score_sets", "candidate set")
    return Answer(int(np.argmax(checked)), cost.seconds, cost.peak_memory_bytes, dict(query.notes))


def check_scores(scores: Any, n: int, device: torch.device, method: str, of_what: str) -> np.ndarray[Any, Any]:
    """Return scores as a float64 array of n finite numbers, or raise StrategyError."""
    due = f"{method}(query) must return one number a {of_what}, a tensor of shape ({n},) on {device}"
    if not isinstance(scores, Tensor):
        raise StrategyError(f"{due}; it returned a {type(scores).__name__}")
    if tuple(scores.shape) != (n,):
        raise StrategyError(f"{due}; it returned the shape {tuple(scores.shape)}")
    if scores.device != device:
        raise StrategyError(f"{due}; its scores are on {scores.device}")
    if scores.is_complex():
        raise StrategyError(f"{due}; its scores are complex")
    values: np.ndarray[Any, Any] = scores.detach().cpu().double().numpy()
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise StrategyError(
            f"{due}; {bad} of them are NaN or infinite, the first at index {int(np.argmin(np.isfinite(values)))}"
        )
    return values


@contextmanager
def untouched(query: Query) -> Iterator[None]:
    """Raise StrategyError when the block changed what every strategy of a study shares or relies on."""
    with unchanged_settings(), unchanged_generators(), unchanged_network(query), unchanged_data(query):
        yield


@contextmanager
def unchanged_data(query: Query) -> Iterator[None]:
    """Raise StrategyError when the block changed the images, the labels or the sets in place."""
    tensors = {"pool": query.pool, "labeled": query.labeled, "labels": query.labels, "sets": query.sets}
    versions = {name: tensor._version for name, tensor in tensors.items() if tensor is not None}
    yield
    for name, version in versions.items():
        tensor = tensors[name]
        if tensor is not None and tensor._version != version:
            raise StrategyError(f"it changed query.{name} in place; work on a copy (query.{name}.clone())")


@contextmanager
def unchanged_network(query: Query) -> Iterator[None]:
    """Raise StrategyError when the block changed the network's weights, its layers or its mode."""
    weights = {name: value.clone() for name, value in query.network.state_dict().items()}
    yield
    after = query.network.state_dict()
    changed = [name for name in weights if name not in after or not torch.equal(weights[name], after[name])]
    if changed or len(after) != len(weights):
        raise StrategyError(
            f"it changed the network ({', '.join(changed) or 'its layers'}); work on copy.deepcopy(query.network)"
        )
    if query.network.training:
        raise StrategyError("it left the network in training mode; switch single layers, and put them back")


@contextmanager
def unchanged_settings() -> Iterator[None]:
    """Raise StrategyError when the block changed how torch computes; put it back, for the cells that come after."""
    before = {name: read() for name, (read, _) in _SETTINGS.items()}
    try:
        yield
    finally:
        changed = [name for name, (read, _) in _SETTINGS.items() if read() != before[name]]
        for name in changed:
            _SETTINGS[name][1](before[name])
    if changed:
        raise StrategyError(f"it changed torch's {changed[0]} for the whole process; put it back before returning")


_SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "number of threads": (torch.get_num_threads, torch.set_num_threads),
    "matmul precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "deterministic mode": (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    "cuDNN benchmark mode": (
        lambda: torch.backends.cudnn.benchmark,
        lambda value: setattr(torch.backends.cudnn, "benchmark", value),
    ),
    "cuDNN TF32 mode": (
        lambda: torch.backends.cudnn.allow_tf32,
        lambda value: setattr(torch.backends.cudnn, "allow_tf32", value),
    ),
}


@contextmanager
def unchanged_generators() -> Iterator[None]:
    """Raise StrategyError when the block drew from, or seeded, a global random generator."""
    before = _global_generators()
    yield
    for name, state in _global_generators().items():
        if state != before[name]:
            raise StrategyError(
                f"it drew from the global generator of {name}; draw from query.generator, so that runs can be paired"
            )


def _global_generators() -> dict[str, Any]:
    state = np.random.get_state(legacy=False)  # noqa: NPY002 - the global generator is what is watched
    assert isinstance(state, dict)
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "torch.cuda": [state.numpy().tobytes() for state in _cuda_states()],
        "numpy": (state["state"]["key"].tobytes(), state["state"]["pos"]),
        "random": random.getstate(),
    }


def _cuda_states() -> list[Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
