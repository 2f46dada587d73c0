"""The contract between albench and its plugins: one short function a hook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy

hookspec = pluggy.HookspecMarker("albench")
hookimpl = pluggy.HookimplMarker("albench")


@hookspec
def albench_strategies() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return query strategies: name -> "module:class", a subclass of albench.Strategy."""


@hookspec
def albench_scenarios() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return scenarios: name -> "module:class", a subclass of albench.Scenario."""


@hookspec
def albench_networks() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return networks: name -> "module:class", a subclass of albench.Network."""


@hookspec
def albench_report_sections() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return sections of the report: name -> "module:class", a subclass of albench.ReportSection."""


@hookspec
def albench_report_formats() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return ways to write a report: name -> "module:class", a subclass of albench.ReportFormat."""


@hookspec
def albench_executors() -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return executors: name -> "module:class", a subclass of albench.Executor."""


@hookspec
def albench_round_recorded(cell: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Observe a round that has just been stored: its cell's specification and its row."""
