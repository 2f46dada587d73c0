"""Every clause of a scenario's contract catches the scenario that breaks it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest

import albench
from albench.contracts.scenario import Scenario, Split
from albench.errors import DataError
from albench.testing import SCENARIO_CLAUSES, Budget, Clause, ScenarioContract, examine

N = 120


@dataclass(frozen=True)
class Good(Scenario):
    def split(self, seed: int) -> Split:
        labels = np.arange(N, dtype=np.int64) % 4
        images = (np.arange(N * 16).reshape(N, 1, 4, 4) % 251).astype(np.uint8)
        rows = albench.stream(seed, "rows").permutation(N)
        known = labels[rows] < 2
        initial = rows[known][:10]
        rest = rows[~np.isin(rows, initial)]
        return Split(images, labels, initial, rest[:80], rest[80:], ["a", "b", "c", "d"], [0, 1])


class WrongType(Good):
    def split(self, seed: int) -> Split:
        return replace(super().split(seed), images=super().split(seed).images.astype(np.float32))


class Overlaps(Good):
    def split(self, seed: int) -> Split:
        split = super().split(seed)
        return replace(split, test=split.pool[:30])


class Forgets(Good):
    def split(self, seed: int) -> Split:
        split = super().split(seed)
        return replace(split, pool=np.random.default_rng().permutation(split.pool))


class OneSplit(Good):
    def split(self, seed: int) -> Split:
        return super().split(0)


class Global(Good):
    def split(self, seed: int) -> Split:
        np.random.seed(seed)
        return super().split(seed)


class Keeps(Good):
    def split(self, seed: int) -> Split:
        return _kept(seed)


@cache
def _kept(seed: int) -> Split:
    return Good().split(seed)


class Sorted(Good):
    def split(self, seed: int) -> Split:
        split = super().split(seed)
        return replace(split, pool=split.pool[np.argsort(split.labels[split.pool])])


class Stamped(Good):
    def fingerprint(self, seed: int) -> str:
        return hashlib.md5(b"data").hexdigest()


@dataclass(frozen=True)
class Unwritable(Good):
    sizes: list[float] = field(default_factory=lambda: [1.0])


class Hoards(Good):
    def split(self, seed: int) -> Split:
        assert np.ones(30_000_000).sum() > 0
        return super().split(seed)


BAD = [
    (WrongType, "valid-split", "they must be uint8"),
    (Overlaps, "disjoint-parts", "divide a permutation of the rows"),
    (Forgets, "deterministic", "draw from albench.stream(seed, purpose) alone"),
    (OneSplit, "seeds-differ", "draw classes or rows from albench.stream(seed, purpose)"),
    (Global, "own-randomness", "global generator of numpy; draw from albench.stream"),
    (Keeps, "data-unchanged", "return a copy of what is kept"),
    (Sorted, "pool-order", "shuffle the pool with a stream of its own"),
    (Stamped, "fingerprint", "return the hex SHA-256 of the data"),
    (Unwritable, "text-round-trip", "sizes"),
    (Hoards, "within-budget", "map the data from disk"),
]


def _clause(name: str) -> Clause:
    return next(clause for clause in SCENARIO_CLAUSES if clause.name == name)


@pytest.mark.parametrize(("cls", "clause", "advice"), BAD, ids=[f"{cls.__name__}-{name}" for cls, name, _ in BAD])
def test_a_bad_scenario_is_caught_by_the_clause_with_a_sentence(cls: type[Scenario], clause: str, advice: str) -> None:
    finding = examine(_clause(clause), cls(), Budget(memory_bytes=100_000_000))
    assert finding.outcome == "broken"
    assert advice in finding.message
    assert "\n" not in finding.message


def test_every_clause_has_a_bad_scenario() -> None:
    assert {name for _, name, _ in BAD} == {clause.name for clause in SCENARIO_CLAUSES}


def test_a_scenario_whose_data_are_absent_is_skipped_and_not_broken() -> None:
    class Absent(Good):
        def split(self, seed: int) -> Split:
            raise DataError("the folder is empty; fill it")

    finding = examine(_clause("valid-split"), Absent())
    assert finding.outcome == "skipped"
    assert "the folder is empty; fill it" in finding.message


class TestGood(ScenarioContract):
    @pytest.fixture
    def scenario(self) -> Scenario:
        return Good()


class TestDigits(ScenarioContract):
    @pytest.fixture
    def scenario(self) -> Scenario:
        return albench.scenario("digits")
