"""The clauses of a protocol's contract, one function each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from albench.contracts.generators import unchanged_generators
from albench.contracts.protocol import Labeled, Protocol
from albench.contracts.query import Query
from albench.contracts.strategy import Strategy
from albench.errors import RequestError
from albench.rng import stream
from albench.store.rows import check_columns
from albench.testing.clauses import Budget, Clause, ContractError, check_round_trip, entering
from albench.testing.probes import Probe, make_probe
from albench.testing.randomness import only_draws

PROTOCOL_CLAUSES: list[Clause] = []
MOST_ROUNDS = 500
_clause = entering(PROTOCOL_CLAUSES)


@dataclass(frozen=True)
class _Asked(Strategy):
    """Wants examples in an order that depends on nothing but their ids."""

    def score(self, query: Query) -> Tensor:
        return torch.sin(1.7 * query.pool_ids.double()).float()


@dataclass
class _Round:
    """A round of a protocol: the ids of what it chose, and how many rounds it allowed before."""

    ids: NDArray[np.int64]
    allowed: int


def _probe() -> Probe:
    return make_probe(n_pool=240, n_classes=4, n_novel=4)


def _rounds(protocol: Protocol) -> Iterator[_Round]:
    """Run a protocol on a pool of 8 classes of 30 examples until it is exhausted."""
    probe = _probe()
    left = np.arange(len(probe.pool))
    for number in range(1, MOST_ROUNDS):
        labels = probe.hidden.numpy()[left]
        allowed = protocol.rounds(labels)
        if allowed < 1:
            return
        sets = protocol.sets(labels, stream(0, "candidate sets", number))
        rows = torch.from_numpy(left)
        case = replace(probe, pool=probe.pool[rows], hidden=probe.hidden[rows], pool_ids=rows, round=number)
        query = case.query() if sets is None else replace(case, sets=torch.from_numpy(sets)).query()
        chosen = np.asarray(protocol.choose(_Asked(), query))
        _check_chosen(chosen, number, len(left))
        yield _Round(left[chosen], allowed)
        left = np.delete(left, chosen)
    raise ContractError(
        f"it asks for more than {MOST_ROUNDS} rounds of 240 examples; let rounds(pool_labels) fall to 0"
    )


def _check_chosen(indices: NDArray[Any], number: int, n_left: int) -> None:
    if indices.ndim != 1 or indices.dtype != np.int64 or not len(indices):
        raise ContractError(
            f"round {number}: of a pool of {n_left} choose returned {indices.dtype} of shape {indices.shape}; return "
            "int64, (k,), at least one, and let rounds(pool_labels) be 0 when there is none"
        )
    if len(set(indices.tolist())) < len(indices) or indices.min() < 0 or indices.max() >= n_left:
        raise ContractError(f"round {number}: choose returned positions that repeat or are not in the pool")


@_clause("A round chooses different positions in the pool, at least one")
def _chosen(protocol: Protocol, _: Budget) -> None:
    list(_rounds(protocol))


@_clause("As many rounds can be run as it promises, at most")
def _promised(protocol: Protocol, _: Budget) -> None:
    rounds = list(_rounds(protocol))
    if not rounds:
        raise ContractError("it allows no round of 240 examples in 8 classes with its defaults; lower what it asks for")
    if len(rounds) > rounds[0].allowed:
        raise ContractError(f"it promised {rounds[0].allowed} rounds at most, and {len(rounds)} were run; count again")


@_clause("No global random generator is drawn from or seeded")
def _own_randomness(protocol: Protocol, _: Budget) -> None:
    mend = "draw from `draws`, so that strategies of one seed can be paired"
    with only_draws(), unchanged_generators("it", mend, ContractError):
        list(_rounds(protocol))


@_clause("The same pool and the same stream give the same choice", after=["own-randomness"])
def _deterministic(protocol: Protocol, _: Budget) -> None:
    one, other = ([one.ids.tolist() for one in _rounds(protocol)] for _ in range(2))
    if one != other:
        raise ContractError("the same rounds choose other examples the second time; draw from `draws` alone")


@_clause("It records the columns that it declares, as JSON knows values")
def _columns(protocol: Protocol, _: Budget) -> None:
    try:
        check_columns(protocol.columns)
    except RequestError as error:
        raise ContractError(str(error)) from error
    labels = np.array([5, 5, 5])
    row = protocol.record(Labeled(labels, [0, 1, 2, 3], [0, 1, 2, 3, 5], [f"class {place}" for place in range(8)]))
    if set(row) != set(protocol.columns):
        raise ContractError(f"it declares {sorted(protocol.columns)} and records {sorted(row)}; let both name the same")
    try:
        json.dumps(row, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"what it records is not plain ({error}); return numbers, texts and lists of Python"
        ) from None


@_clause("Its parameters survive being written as text and as JSON")
def _text_round_trip(protocol: Protocol, _: Budget) -> None:
    check_round_trip(protocol)
