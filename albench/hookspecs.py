"""The contract between albench and its plugins: one short function a hook; a kind of plugin is declared here alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pluggy

hookspec = pluggy.HookspecMarker("albench")
hookimpl = pluggy.HookimplMarker("albench")


@dataclass(frozen=True)
class Kind:
    """A kind of component: its names, the hook that offers it, and the class of `albench` that it derives from."""

    plural: str
    singular: str
    hook: str
    contract: str


KINDS: dict[str, Kind] = {}  # by plural

_Hook = Callable[[], Mapping[str, str]]


def _offers(singular: str, contract: str) -> Callable[[_Hook], _Hook]:
    """Declare the kind of component that a hook offers; the kind's plural is the hook's name."""

    def declare(function: _Hook) -> _Hook:
        plural = function.__name__.removeprefix("albench_").replace("_", "-")
        KINDS[plural] = Kind(plural, singular, function.__name__, contract)
        return hookspec(function)

    return declare


@_offers("strategy", "Strategy")
def albench_strategies() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return query strategies: name -> "module:class", a subclass of albench.Strategy."""


@_offers("scenario", "Scenario")
def albench_scenarios() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return scenarios: name -> "module:class", a subclass of albench.Scenario."""


@_offers("protocol", "Protocol")
def albench_protocols() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return protocols: name -> "module:class", a subclass of albench.Protocol."""


@_offers("learner", "Learner")
def albench_learners() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return learners: name -> "module:class", a subclass of albench.Learner."""


@_offers("network", "Network")
def albench_networks() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return networks: name -> "module:class", a subclass of albench.Network."""


@_offers("report section", "ReportSection")
def albench_report_sections() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return sections of the report: name -> "module:class", a subclass of albench.ReportSection."""


@_offers("report format", "ReportFormat")
def albench_report_formats() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return ways to write a report: name -> "module:class", a subclass of albench.ReportFormat."""


@_offers("executor", "Executor")
def albench_executors() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return executors: name -> "module:class", a subclass of albench.Executor."""


@hookspec
def albench_round_recorded(cell: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Observe a round that has just been stored: its cell's specification and its row."""
