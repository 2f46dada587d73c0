"""The contracts as pytest classes: inherit, override one fixture, and every clause is a test.

class TestMine(albench.testing.StrategyContract):
    @pytest.fixture
    def strategy(self):
        return Mine()
"""

from __future__ import annotations

from typing import ClassVar

import pytest

from albench.contracts.component import Component
from albench.contracts.learner import Learner
from albench.contracts.network import Network
from albench.contracts.protocol import Protocol
from albench.contracts.scenario import Scenario
from albench.contracts.strategy import Strategy
from albench.testing.clauses import Budget, Clause, examine, undeclared
from albench.testing.learner_clauses import LEARNER_CLAUSES
from albench.testing.network_clauses import NETWORK_CLAUSES
from albench.testing.protocol_clauses import PROTOCOL_CLAUSES
from albench.testing.scenario_clauses import SCENARIO_CLAUSES
from albench.testing.strategy_clauses import STRATEGY_CLAUSES


class _Contract:
    """Clauses as tests of the fixture `component`, which each contract takes from the fixture of its kind."""

    budget: ClassVar[Budget] = Budget()
    clauses: ClassVar[list[Clause]] = []

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of each clause."""
        if "clause" in metafunc.fixturenames:
            metafunc.parametrize("clause", self.clauses, ids=str)

    def test_keeps_the_contract(self, component: Component, clause: Clause) -> None:
        """Each clause holds, or its failure is declared with a reason."""
        finding = examine(clause, component, self.budget)
        if finding.outcome == "skipped":
            pytest.skip(finding.message)
        if finding.outcome == "expected":
            pytest.xfail(finding.message)
        if finding.outcome == "broken":
            pytest.fail(f"{type(component).__name__} breaks {clause.name!r}: {finding.message}", pytrace=False)

    def test_declares_failures_of_clauses_that_exist(self, component: Component) -> None:
        """What `expected_failures` names is a clause."""
        assert not undeclared(component, self.clauses)


class StrategyContract(_Contract):
    """The contract of a strategy; override the fixture `strategy`, and `budget` where it needs more."""

    clauses = STRATEGY_CLAUSES

    @pytest.fixture
    def strategy(self) -> Strategy:
        """Return the strategy under examination."""
        raise NotImplementedError("override the fixture `strategy`, and return your configured strategy")

    @pytest.fixture
    def component(self, strategy: Strategy) -> Strategy:
        """Return what is examined."""
        return strategy


class ScenarioContract(_Contract):
    """The contract of a scenario; override the fixture `scenario`, and `budget` where it needs more."""

    clauses = SCENARIO_CLAUSES

    @pytest.fixture
    def scenario(self) -> Scenario:
        """Return the scenario under examination."""
        raise NotImplementedError("override the fixture `scenario`, and return your configured scenario")

    @pytest.fixture
    def component(self, scenario: Scenario) -> Scenario:
        """Return what is examined."""
        return scenario


class ProtocolContract(_Contract):
    """The contract of a protocol; override the fixture `protocol`."""

    clauses = PROTOCOL_CLAUSES

    @pytest.fixture
    def protocol(self) -> Protocol:
        """Return the protocol under examination."""
        raise NotImplementedError("override the fixture `protocol`, and return your configured protocol")

    @pytest.fixture
    def component(self, protocol: Protocol) -> Protocol:
        """Return what is examined."""
        return protocol


class LearnerContract(_Contract):
    """The contract of a learner; override the fixture `learner`."""

    clauses = LEARNER_CLAUSES

    @pytest.fixture
    def learner(self) -> Learner:
        """Return the learner under examination."""
        raise NotImplementedError("override the fixture `learner`, and return your configured learner")

    @pytest.fixture
    def component(self, learner: Learner) -> Learner:
        """Return what is examined."""
        return learner


class NetworkContract(_Contract):
    """The contract of a network; override the fixture `network`."""

    clauses = NETWORK_CLAUSES

    @pytest.fixture
    def network(self) -> Network:
        """Return the network under examination."""
        raise NotImplementedError("override the fixture `network`, and return your configured network")

    @pytest.fixture
    def component(self, network: Network) -> Network:
        """Return what is examined."""
        return network
