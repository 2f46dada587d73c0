"""Every clause of a strategy's contract catches the strategy that breaks it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

import albench
from albench.testing import STRATEGY_CLAUSES, Budget, Clause, StrategyContract, examine
from albench.testing.clauses import undeclared
from tests.testing import bad_strategies as bad

BAD = [
    (
        bad.Matrix,
        "shapes",
        "must return one number a pool example, a tensor of shape (36,) on cpu; it returned the shape (36, 4)",
    ),
    (bad.SetsOnly, "shapes", "has no score(query); define it"),
    (bad.Repeats, "shapes", "different pool indices, an int64 tensor (5,); 4 of its indices repeat others"),
    (bad.NotANumber, "finite", "are NaN or infinite"),
    (bad.Counts, "deterministic", "keep nothing in the strategy or its module"),
    (bad.NeedsSets, "without-sets", "has no candidate sets, since its protocol selects single examples"),
    (
        bad.KeepsInModule,
        "memory",
        "in another process about round 2, with the same query and the same memory, it gives",
    ),
    (bad.KeepsInInstance, "memory", "it gives other scores; keep what you need with query.remember(name, value)"),
    (bad.RemembersMore, "memory", "it remembers something else; keep what you need with query.remember(name, value)"),
    (bad.OrdersByIds, "ids", "in round 1 the scores change when examples get other ids; use ids as names alone"),
    (bad.GlobalTorch, "own-randomness", "global generator of torch; draw from query.generator"),
    (bad.GlobalNumpy, "own-randomness", "global generator of numpy; draw from query.generator"),
    (bad.GlobalPython, "own-randomness", "global generator of random; draw from query.generator"),
    (bad.Seeds, "own-randomness", "global generator of torch; draw from query.generator"),
    (bad.ChangesWeights, "network-unchanged", "changed the network (head.weight); work on copy.deepcopy"),
    (bad.LeavesTraining, "network-unchanged", "left the network in training mode"),
    (bad.ChangesPool, "data-unchanged", "changed query.pool in place; work on a copy"),
    (bad.ChangesPoolUnseen, "data-unchanged", "changed query.pool in place; work on a copy"),
    (bad.ChangesLogits, "data-unchanged", "changed query.logits in place; work on a copy"),
    (bad.ReadsCallers, "labels-unreachable", "reaches them by a back door; use nothing but what Query offers"),
    (bad.ReadsLiveObjects, "labels-unreachable", "reaches them by a back door; use nothing but what Query offers"),
    (bad.SplitsAgain, "labels-unreachable", "splits a scenario, which gives it the pool's labels"),
    (bad.RepeatsStreams, "labels-unreachable", "draws from albench's streams, which would repeat the split"),
    (bad.AsksForLabels, "labels-unreachable", "pool_labels are hidden from strategies"),
    (bad.Position, "pool-order", "never from its place in query.pool"),
    (bad.NoisyPosition, "pool-order", "never from its place in query.pool"),
    (bad.FirstOfTies, "pool-order", "never from its place in query.pool"),
    (bad.BatchStatistics, "batch-size", "compute nothing from one batch that another one needs"),
    (bad.RanksSets, "other-sets", "value each candidate set by itself"),
    (bad.Overlap, "other-sets", "value each candidate set by itself"),
    (bad.NeedsTwoCandidates, "one-candidate", "are NaN or infinite"),
    (bad.NeedsTwoClasses, "one-class", "bad_strategies.py:"),
    (bad.NeedsKCandidates, "small-pool", "bad_strategies.py:"),
    (bad.DividesBySpread, "degenerate-input", "with constant images"),
    (bad.Rewrites, "text-round-trip", "let __post_init__ change none"),
    (bad.Unwritable, "text-round-trip", "scale"),
    (bad.Loops, "within-budget", "replace loops over examples by tensor operations"),
    (bad.Hoards, "within-budget", "go through the pool in parts"),
]


def _clause(name: str) -> Clause:
    return next(clause for clause in STRATEGY_CLAUSES if clause.name == name)


@pytest.mark.filterwarnings("ignore::UserWarning")  # a variance of one example
@pytest.mark.parametrize(("cls", "clause", "advice"), BAD, ids=[f"{cls.__name__}-{name}" for cls, name, _ in BAD])
def test_a_bad_strategy_is_caught_by_the_clause_with_a_sentence(
    cls: type[albench.Strategy], clause: str, advice: str
) -> None:
    bad.MEMORY.clear()
    tight = Budget(memory_bytes=100_000_000) if cls is bad.Hoards else Budget(cpu_seconds=0.002)
    finding = examine(_clause(clause), cls(), tight)
    assert finding.outcome == "broken"
    assert advice in finding.message
    assert "\n" not in finding.message


def test_a_strategy_that_ranks_sets_alone_is_told_so_once() -> None:
    outcomes = {clause.name: examine(clause, bad.SetsOnly()).outcome for clause in STRATEGY_CLAUSES}
    assert [name for name, outcome in outcomes.items() if outcome != "holds"] == ["shapes", "without-sets"], outcomes
    assert outcomes["without-sets"] == "skipped"


def test_every_clause_has_a_bad_strategy() -> None:
    assert {name for _, name, _ in BAD} == {clause.name for clause in STRATEGY_CLAUSES}


@pytest.mark.parametrize("clause", STRATEGY_CLAUSES, ids=str)
def test_a_good_strategy_keeps_every_clause(clause: Clause) -> None:
    assert examine(clause, bad.Good()).outcome == "holds"


def test_a_draw_from_the_querys_generator_does_not_break_the_order_of_the_pool() -> None:
    for name in ("pool-order", "other-sets", "batch-size"):
        assert examine(_clause(name), albench.strategy("random")).outcome == "holds"


def test_a_declared_failure_is_expected_and_one_that_does_not_happen_is_broken() -> None:
    class Declared(bad.NotANumber):
        expected_failures: ClassVar[dict[str, str]] = {
            "finite": "a log of what may be negative",
            "text-round-trip": "none",
        }

    expected = examine(_clause("finite"), Declared())
    assert (expected.outcome, expected.message) == ("expected", "declared: a log of what may be negative")
    outlived = examine(_clause("text-round-trip"), Declared())
    assert outlived.outcome == "broken"
    assert "take it out" in outlived.message


def test_a_declared_failure_of_no_clause_is_broken() -> None:
    class Declared(bad.Good):
        expected_failures: ClassVar[dict[str, str]] = {"finit": "a slip"}

    assert [finding.clause for finding in undeclared(Declared(), STRATEGY_CLAUSES)] == ["finit"]


class TestGood(StrategyContract):
    @pytest.fixture
    def strategy(self) -> albench.Strategy:
        return bad.Good()


@pytest.mark.parametrize("strategy", [bad.CountsRight(), bad.SelectsOnly()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("clause", STRATEGY_CLAUSES, ids=str)
def test_a_sound_strategy_breaks_nothing_whichever_way_it_is_asked(strategy: albench.Strategy, clause: Clause) -> None:
    assert examine(clause, strategy).outcome in ("holds", "skipped")


INHERITED = """
import pytest
from typing import ClassVar
from albench.testing import StrategyContract
from tests.testing import bad_strategies as bad

class Declared(bad.NeedsTwoClasses):
    expected_failures: ClassVar = {"one-class": "a margin needs two"}

class TestBad(StrategyContract):
    @pytest.fixture
    def strategy(self):
        return bad.Position()

class TestDeclared(StrategyContract):
    @pytest.fixture
    def strategy(self):
        return Declared()
"""


def test_the_pytest_class_reports_each_clause_of_a_bad_strategy(tmp_path: Path) -> None:
    (tmp_path / "test_plugin.py").write_text(INHERITED, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", str(tmp_path)]
    root = Path(__file__).parents[2]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    n = len(STRATEGY_CLAUSES) + 1
    assert f"1 failed, {2 * n - 2} passed, 1 xfailed" in ran.stdout
    assert "Position breaks 'pool-order': with the pool in another order the score" in ran.stdout
