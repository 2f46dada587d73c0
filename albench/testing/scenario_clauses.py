"""The clauses of a scenario's contract, one function each."""

from __future__ import annotations

import re
import time

import numpy as np

from albench.contracts.generators import unchanged_generators
from albench.contracts.scenario import Scenario, Split
from albench.errors import DataError
from albench.running.measure import Measurement
from albench.testing.clauses import Budget, Clause, ContractError, NotApplicableError, check_round_trip, entering
from albench.testing.randomness import only_draws

ARRAYS = ("images", "labels", "initial", "pool", "test", "answers")
SCENARIO_CLAUSES: list[Clause] = []

_clause = entering(SCENARIO_CLAUSES)


def _split(scenario: Scenario, seed: int) -> Split:
    try:
        return scenario.split(seed)
    except DataError as error:
        raise NotApplicableError(f"its data are not here: {error}") from error


def _differ(one: Split, other: Split) -> list[str]:
    parts = [name for name in ARRAYS if not np.array_equal(getattr(one, name), getattr(other, name))]
    same_names = list(one.class_names) == list(other.class_names) and list(one.known) == list(other.known)
    return parts if same_names else [*parts, "class_names or known"]


@_clause("Images, labels and index arrays fit each other")
def _valid_split(scenario: Scenario, _: Budget) -> None:
    _split(scenario, 0)
    for seed in range(3):
        split = scenario.split(seed)
        try:
            split.check()
        except DataError as error:
            raise ContractError(f"the split of seed {seed}: {error}") from error
        for name in ("initial", "pool", "test"):
            rows = getattr(split, name)
            if rows.dtype != np.int64 or rows.ndim != 1 or not len(rows):
                raise ContractError(f"{name} is {rows.dtype} of shape {rows.shape}; return int64 rows, at least one")
        if len(set(split.class_names)) < len(split.class_names):
            raise ContractError("class_names holds a name twice; give each class its own")


@_clause("No image is in two of the initial set, the pool and the test set, or twice in one")
def _disjoint_parts(scenario: Scenario, _: Budget) -> None:
    split = _split(scenario, 0)
    rows = np.concatenate([split.initial, split.pool, split.test])
    unique, counts = np.unique(rows, return_counts=True)
    if len(unique) < len(rows):
        raise ContractError(
            f"row {int(unique[counts.argmax()])} is used {int(counts.max())} times; divide a permutation of the rows"
        )


@_clause("No global random generator is drawn from or seeded")
def _own_randomness(scenario: Scenario, _: Budget) -> None:
    mend = "draw from albench.stream(seed, purpose), so that seeds can be paired"
    with only_draws(), unchanged_generators("it", mend, ContractError):
        _split(scenario, 1)


@_clause("A seed always gives the same split", after=["own-randomness"])
def _deterministic(scenario: Scenario, _: Budget) -> None:
    parts = _differ(_split(scenario, 3), scenario.split(3))
    if parts:
        raise ContractError(
            f"seed 3 gives another {parts[0]} the second time; draw from albench.stream(seed, purpose) alone"
        )


@_clause("Different seeds give different splits")
def _seeds_differ(scenario: Scenario, _: Budget) -> None:
    if not any(_differ(_split(scenario, 0), scenario.split(seed)) for seed in (1, 2)):
        raise ContractError("seeds 0, 1 and 2 give one split; draw classes or rows from albench.stream(seed, purpose)")


@_clause("What a caller does to a split does not reach the next one", after=["own-randomness", "deterministic"])
def _data_unchanged(scenario: Scenario, _: Budget) -> None:
    first = _split(scenario, 0)
    kept = {name: getattr(first, name).copy() for name in ("initial", "pool", "test")}
    for name in kept:
        rows = getattr(first, name)
        if rows.flags.writeable:
            rows[:] = rows[::-1].copy()
    again = scenario.split(0)
    wrong = [name for name, rows in kept.items() if not np.array_equal(rows, getattr(again, name))]
    if wrong:
        raise ContractError(
            f"a caller that changes {wrong[0]} changes the next split too; return a copy of what is kept"
        )


@_clause("The order of the pool says nothing about the labels")
def _pool_order(scenario: Scenario, _: Budget) -> None:
    split = _split(scenario, 0)
    labels = split.labels[split.pool]
    draws = np.random.Generator(np.random.Philox(0))
    runs = _same_neighbours(labels)
    chance = [_same_neighbours(draws.permutation(labels)) for _ in range(200)]
    if abs(runs - np.mean(chance)) > 6 * np.std(chance) + 1e-9:
        raise ContractError(
            f"{runs} neighbours in the pool share a class, and {np.mean(chance):.0f} would by chance; shuffle the pool "
            "with a stream of its own"
        )


def _same_neighbours(labels: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    return int((labels[1:] == labels[:-1]).sum())


@_clause("The fingerprint is a SHA-256 that stays the same for a seed", after=["own-randomness", "deterministic"])
def _fingerprint(scenario: Scenario, _: Budget) -> None:
    _split(scenario, 0)
    first, again = scenario.fingerprint(0), scenario.fingerprint(0)
    if first != again or not re.fullmatch(r"[0-9a-f]{64}", first):
        raise ContractError(
            f"fingerprint(0) is {first!r}, then {again!r}; return the hex SHA-256 of the data, without times or paths"
        )


@_clause("Its parameters survive being written as text and as JSON")
def _text_round_trip(scenario: Scenario, _: Budget) -> None:
    check_round_trip(scenario)


@_clause("A split stays within the budget of processor time and memory")
def _within_budget(scenario: Scenario, budget: Budget) -> None:
    import torch

    _split(scenario, 0)
    start = time.process_time()
    with Measurement(torch.device("cpu")) as cost:
        scenario.split(1)
    seconds = time.process_time() - start
    if seconds > budget.cpu_seconds:
        raise ContractError(
            f"a split took {seconds:.1f} s of processor time, and the budget is {budget.cpu_seconds:g}; "
            "keep decoded data"
        )
    if cost.peak_memory_bytes is not None and cost.peak_memory_bytes > budget.memory_bytes:
        raise ContractError(
            f"a split took {cost.peak_memory_bytes / 1e6:.0f} MB, and the budget is {budget.memory_bytes / 1e6:.0f}; "
            "map the data from disk"
        )
