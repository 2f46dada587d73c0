"""The contracts as pytest classes: inherit, override one fixture, and every clause is a test.

class TestMine(albench.testing.StrategyContract):
    @pytest.fixture
    def strategy(self):
        return Mine()
"""

from __future__ import annotations

from typing import ClassVar

import pytest

from albench.components import Component
from albench.contracts.scenario import Scenario
from albench.contracts.strategy import Strategy
from albench.testing.clauses import Budget, Clause, examine, undeclared
from albench.testing.scenario_clauses import SCENARIO_CLAUSES
from albench.testing.strategy_clauses import STRATEGY_CLAUSES


class StrategyContract:
    """The contract of a strategy; override the fixture `strategy`, and `budget` where it needs more."""

    budget: ClassVar[Budget] = Budget()

    @pytest.fixture
    def strategy(self) -> Strategy:
        """Return the strategy under examination."""
        raise NotImplementedError("override the fixture `strategy`, and return your configured strategy")

    @pytest.mark.parametrize("clause", STRATEGY_CLAUSES, ids=str)
    def test_keeps_the_contract(self, strategy: Strategy, clause: Clause) -> None:
        """Each clause holds, or its failure is declared with a reason."""
        _hold(clause, strategy, self.budget)

    def test_declares_failures_of_clauses_that_exist(self, strategy: Strategy) -> None:
        """What `expected_failures` names is a clause."""
        assert not undeclared(strategy, STRATEGY_CLAUSES)


class ScenarioContract:
    """The contract of a scenario; override the fixture `scenario`, and `budget` where it needs more."""

    budget: ClassVar[Budget] = Budget()

    @pytest.fixture
    def scenario(self) -> Scenario:
        """Return the scenario under examination."""
        raise NotImplementedError("override the fixture `scenario`, and return your configured scenario")

    @pytest.mark.parametrize("clause", SCENARIO_CLAUSES, ids=str)
    def test_keeps_the_contract(self, scenario: Scenario, clause: Clause) -> None:
        """Each clause holds, or its failure is declared with a reason."""
        _hold(clause, scenario, self.budget)

    def test_declares_failures_of_clauses_that_exist(self, scenario: Scenario) -> None:
        """What `expected_failures` names is a clause."""
        assert not undeclared(scenario, SCENARIO_CLAUSES)


def _hold(clause: Clause, component: Component, budget: Budget) -> None:
    finding = examine(clause, component, budget)
    if finding.outcome == "skipped":
        pytest.skip(finding.message)
    if finding.outcome == "expected":
        pytest.xfail(finding.message)
    if finding.outcome == "broken":
        pytest.fail(f"{type(component).__name__} breaks {clause.name!r}: {finding.message}", pytrace=False)
