"""albench: a plugin-based benchmark suite for deep active learning.

What a plugin author or a Python user needs is imported from here. Names are resolved when they are first
used, so that importing albench imports neither torch nor pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from albench.hookspecs import hookimpl

if TYPE_CHECKING:
    from albench import testing
    from albench.api import load, run
    from albench.build import executor, network, report_section, scenario, strategy
    from albench.contracts.executor import Executor
    from albench.contracts.network import Network
    from albench.contracts.query import Query
    from albench.contracts.report import (
        Column,
        Content,
        Figure,
        Gallery,
        Note,
        Picture,
        ReportFormat,
        ReportSection,
        Results,
        Table,
    )
    from albench.contracts.scenario import DiscoveryScenario, LabeledImages, Scenario, Split
    from albench.contracts.strategy import Strategy
    from albench.errors import AlbenchError
    from albench.rng import stream

_HOMES = {
    "AlbenchError": "albench.errors",
    "Column": "albench.contracts.report",
    "Content": "albench.contracts.report",
    "DiscoveryScenario": "albench.contracts.scenario",
    "Executor": "albench.contracts.executor",
    "Figure": "albench.contracts.report",
    "Gallery": "albench.contracts.report",
    "LabeledImages": "albench.contracts.scenario",
    "Network": "albench.contracts.network",
    "Note": "albench.contracts.report",
    "Picture": "albench.contracts.report",
    "Query": "albench.contracts.query",
    "ReportFormat": "albench.contracts.report",
    "ReportSection": "albench.contracts.report",
    "Results": "albench.contracts.report",
    "Scenario": "albench.contracts.scenario",
    "Split": "albench.contracts.scenario",
    "Strategy": "albench.contracts.strategy",
    "Table": "albench.contracts.report",
    "executor": "albench.build",
    "load": "albench.api",
    "network": "albench.build",
    "report_section": "albench.build",
    "run": "albench.api",
    "scenario": "albench.build",
    "strategy": "albench.build",
    "stream": "albench.rng",
}

__all__ = [
    "AlbenchError",
    "Column",
    "Content",
    "DiscoveryScenario",
    "Executor",
    "Figure",
    "Gallery",
    "LabeledImages",
    "Network",
    "Note",
    "Picture",
    "Query",
    "ReportFormat",
    "ReportSection",
    "Results",
    "Scenario",
    "Split",
    "Strategy",
    "Table",
    "__version__",
    "executor",
    "hookimpl",
    "load",
    "network",
    "report_section",
    "run",
    "scenario",
    "strategy",
    "stream",
    "testing",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name == "testing":
        return importlib.import_module("albench.testing")
    if name == "__version__":
        from importlib.metadata import version

        return version("albench")
    raise AttributeError(f"module 'albench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
