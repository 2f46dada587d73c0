"""From text to the configured object, for Python users: ``albench.strategy("emoc[output=softmax]")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from albench.plugins import host

if TYPE_CHECKING:
    from albench.contracts.executor import Executor
    from albench.contracts.network import Network
    from albench.contracts.report import ReportSection
    from albench.contracts.scenario import Scenario
    from albench.contracts.strategy import Strategy


def strategy(text: str) -> Strategy:
    """Return a configured strategy; RequestError for an unknown name or a bad parameter, as for its siblings."""
    return cast("Strategy", host().configure("strategies", text))


def scenario(text: str) -> Scenario:
    """Return a configured scenario."""
    return cast("Scenario", host().configure("scenarios", text))


def network(text: str) -> Network:
    """Return a configured network, as a recipe."""
    return cast("Network", host().configure("networks", text))


def report_section(text: str) -> ReportSection:
    """Return a configured section of the report."""
    return cast("ReportSection", host().configure("report-sections", text))


def executor(text: str) -> Executor:
    """Return a configured executor."""
    return cast("Executor", host().configure("executors", text))
