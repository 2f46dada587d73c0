"""Asking a strategy, and holding it to its contract: what it breaks fails its own cell, with a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from albench.contracts.generators import unchanged_generators
from albench.contracts.protocol import Protocol
from albench.contracts.query import Query
from albench.contracts.strategy import Strategy
from albench.errors import SettingError, StrategyError
from albench.running.contents import digest
from albench.running.measure import Measurement
from albench.running.memory import give_back_freed
from albench.running.mode import settings_kept


@dataclass(frozen=True)
class Answer:
    """The pool examples that a strategy wants, what it remembers, and what asking cost."""

    chosen: NDArray[np.int64]
    seconds: float
    peak_memory_bytes: int | None
    notes: Mapping[str, float | int | str]
    memory: Mapping[str, Any]


def ask(strategy: Strategy, query: Query, protocol: Protocol) -> Answer:
    """Return what a strategy wants labelled under a protocol.

    Raises StrategyError when its answer is not what the protocol asks for, or when it changed the network, the data,
    its memory in place or a global random generator.
    """
    give_back_freed()
    with untouched(query), Measurement(query.device) as cost:
        chosen = _positions(protocol.choose(strategy, query), len(query.pool))
    if strategy.permission is not None:
        query.note("permission", strategy.permission)
    return Answer(chosen, cost.seconds, cost.peak_memory_bytes, dict(query.notes), query.stored_memory())


def _positions(chosen: Any, n_pool: int) -> NDArray[np.int64]:
    """Return what a protocol chose, different positions in the pool, at least one; else SettingError."""
    indices = np.asarray(chosen)
    is_list = indices.ndim == 1 and indices.dtype == np.int64 and len(indices) > 0
    if not is_list or indices.min() < 0 or indices.max() >= n_pool or len(np.unique(indices)) < len(indices):
        raise SettingError(
            f"its protocol chose {indices.dtype} of shape {indices.shape} in a pool of {n_pool}; choose must return "
            "different positions in the pool, int64, at least one"
        )
    return indices


@contextmanager
def untouched(query: Query) -> Iterator[None]:
    """Raise StrategyError when the block changed what every strategy of a study shares or relies on."""
    with unchanged_settings(), own_draws(), unchanged_network(query), unchanged_data(query):
        yield


@contextmanager
def unchanged_data(query: Query) -> Iterator[None]:
    """Raise StrategyError when the block changed the inputs, the labels, the sets or the memory in place."""
    tensors = query.given()
    versions = {name: (tensor._version, digest(tensor)) for name, tensor in tensors.items()}
    yield
    for name, (version, content) in versions.items():
        if tensors[name]._version != version or digest(tensors[name]) != content:
            mend = "query.remember it" if name.startswith("memory") else f"work on a copy (query.{name}.clone())"
            raise StrategyError(f"it changed query.{name} in place; {mend}")


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
    """Raise StrategyError when the block changed how torch computes."""
    with settings_kept() as changed:
        yield
    if changed:
        raise StrategyError(f"it changed torch's {changed[0]} for the whole process; put it back before returning")


def own_draws() -> Any:
    """Return a block that raises StrategyError when it drew from, or seeded, a global random generator."""
    mend = (
        "draw from query.generator, so that runs can be paired; what draws by itself, as new layers and dropout do, "
        "goes inside torch.random.fork_rng() after "
        "torch.manual_seed(int(torch.randint(2**62, (), generator=query.generator)))"
    )
    return unchanged_generators("it", mend, StrategyError)
