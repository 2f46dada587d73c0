"""From text to the configured object, for Python users: ``albench.strategy("emoc[output=softmax]")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from albench.plugins.host import host

if TYPE_CHECKING:
    from albench.contracts.executor import Executor
    from albench.contracts.learner import Learner
    from albench.contracts.network import Network
    from albench.contracts.protocol import Protocol
    from albench.contracts.report import ReportSection
    from albench.contracts.scenario import Scenario
    from albench.contracts.strategy import Strategy


def strategy(text: str) -> Strategy:
    """Return a configured strategy; RequestError for an unknown name or a bad parameter, as for its siblings."""
    return cast("Strategy", host().configure("strategies", text))


def scenario(text: str) -> Scenario:
    """Return a configured scenario."""
    return cast("Scenario", host().configure("scenarios", text))


def protocol(text: str) -> Protocol:
    """Return a configured protocol."""
    return cast("Protocol", host().configure("protocols", text))


def learner(text: str) -> Learner:
    """Return a configured learner."""
    return cast("Learner", host().configure("learners", text))


def network(text: str) -> Network:
    """Return a configured network, as a recipe."""
    return cast("Network", host().configure("networks", text))


def report_section(text: str) -> ReportSection:
    """Return a configured section of the report."""
    return cast("ReportSection", host().configure("report-sections", text))


def executor(text: str) -> Executor:
    """Return a configured executor."""
    return cast("Executor", host().configure("executors", text))
