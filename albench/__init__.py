"""albench: a plugin-based benchmark suite for deep active learning.

What a plugin author or a Python user needs is imported from here, from `albench.analysis` (frames in, frames out) and
from `albench.testing`. Names are resolved when they are first used, so that importing albench imports neither torch nor
pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from albench.hookspecs import hookimpl

if TYPE_CHECKING:
    from albench import testing
    from albench.api import run
    from albench.contracts.component import Component, InputPath
    from albench.contracts.discovery_scenario import Count, DiscoveryScenario, LabeledImages
    from albench.contracts.executor import Executor
    from albench.contracts.generators import seeded_generators
    from albench.contracts.learner import Examples, Learner
    from albench.contracts.network import Network
    from albench.contracts.partly_labeled import PartlyLabeled
    from albench.contracts.protocol import Labeled, Protocol
    from albench.contracts.query import Query
    from albench.contracts.report import (
        Column,
        ContactSheet,
        Content,
        Figure,
        Gallery,
        Note,
        Part,
        Picture,
        ReportFormat,
        ReportSection,
        Results,
        Table,
    )
    from albench.contracts.scenario import Scenario, Split
    from albench.contracts.strategy import Strategy
    from albench.datadir import data_directory, decoded_directory, is_offline
    from albench.errors import (
        AlbenchError,
        DataError,
        DivergedError,
        MissingLibraryError,
        RequestError,
        SettingError,
        StoreError,
        StoreWarning,
        StrategyError,
        WriteError,
        reason,
    )
    from albench.extraction.extract import features
    from albench.plugins.build import executor, learner, network, protocol, report_section, scenario, strategy
    from albench.plugins.host import host
    from albench.querying.next import query
    from albench.reading import export, figures, load, merge, report
    from albench.rng import stream
    from albench.running.work import perform
    from albench.store.files import write_text
    from albench.store.results import load_split
    from albench.training.schedule import ScheduledLearner

_HOMES = {
    "AlbenchError": "albench.errors",
    "Column": "albench.contracts.report",
    "Component": "albench.contracts.component",
    "ContactSheet": "albench.contracts.report",
    "Content": "albench.contracts.report",
    "Count": "albench.contracts.discovery_scenario",
    "DataError": "albench.errors",
    "DiscoveryScenario": "albench.contracts.discovery_scenario",
    "DivergedError": "albench.errors",
    "Examples": "albench.contracts.learner",
    "Executor": "albench.contracts.executor",
    "Figure": "albench.contracts.report",
    "Gallery": "albench.contracts.report",
    "InputPath": "albench.contracts.component",
    "Labeled": "albench.contracts.protocol",
    "LabeledImages": "albench.contracts.discovery_scenario",
    "Learner": "albench.contracts.learner",
    "MissingLibraryError": "albench.errors",
    "Network": "albench.contracts.network",
    "SettingError": "albench.errors",
    "Note": "albench.contracts.report",
    "Part": "albench.contracts.report",
    "PartlyLabeled": "albench.contracts.partly_labeled",
    "Picture": "albench.contracts.report",
    "Protocol": "albench.contracts.protocol",
    "Query": "albench.contracts.query",
    "ReportFormat": "albench.contracts.report",
    "ReportSection": "albench.contracts.report",
    "RequestError": "albench.errors",
    "Results": "albench.contracts.report",
    "Scenario": "albench.contracts.scenario",
    "ScheduledLearner": "albench.training.schedule",
    "Split": "albench.contracts.scenario",
    "StoreError": "albench.errors",
    "StoreWarning": "albench.errors",
    "Strategy": "albench.contracts.strategy",
    "StrategyError": "albench.errors",
    "Table": "albench.contracts.report",
    "WriteError": "albench.errors",
    "data_directory": "albench.datadir",
    "decoded_directory": "albench.datadir",
    "executor": "albench.plugins.build",
    "export": "albench.reading",
    "features": "albench.extraction.extract",
    "figures": "albench.reading",
    "host": "albench.plugins.host",
    "is_offline": "albench.datadir",
    "learner": "albench.plugins.build",
    "load": "albench.reading",
    "load_split": "albench.store.results",
    "merge": "albench.reading",
    "network": "albench.plugins.build",
    "perform": "albench.running.work",
    "protocol": "albench.plugins.build",
    "query": "albench.querying.next",
    "reason": "albench.errors",
    "report": "albench.reading",
    "report_section": "albench.plugins.build",
    "run": "albench.api",
    "scenario": "albench.plugins.build",
    "seeded_generators": "albench.contracts.generators",
    "strategy": "albench.plugins.build",
    "stream": "albench.rng",
    "write_text": "albench.store.files",
}

__all__ = [
    "AlbenchError",
    "Column",
    "Component",
    "ContactSheet",
    "Content",
    "Count",
    "DataError",
    "DiscoveryScenario",
    "DivergedError",
    "Examples",
    "Executor",
    "Figure",
    "Gallery",
    "InputPath",
    "Labeled",
    "LabeledImages",
    "Learner",
    "MissingLibraryError",
    "Network",
    "SettingError",
    "Note",
    "Part",
    "PartlyLabeled",
    "Picture",
    "Protocol",
    "Query",
    "ReportFormat",
    "ReportSection",
    "RequestError",
    "Results",
    "Scenario",
    "ScheduledLearner",
    "Split",
    "StoreError",
    "StoreWarning",
    "Strategy",
    "StrategyError",
    "Table",
    "WriteError",
    "__version__",
    "data_directory",
    "decoded_directory",
    "executor",
    "export",
    "features",
    "figures",
    "hookimpl",
    "host",
    "is_offline",
    "learner",
    "load",
    "load_split",
    "merge",
    "network",
    "perform",
    "protocol",
    "query",
    "reason",
    "report",
    "report_section",
    "run",
    "scenario",
    "seeded_generators",
    "strategy",
    "stream",
    "testing",
    "write_text",
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
