"""What plugin authors test with: real queries in one call, and contracts to inherit.

`StrategyContract` and `ScenarioContract` need pytest; nothing else here does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from albench.testing.clauses import Budget, Clause, ContractError, Finding, examine
from albench.testing.probes import Probe, ProbeNetwork, make_probe
from albench.testing.queries import make_query
from albench.testing.scenario_clauses import SCENARIO_CLAUSES
from albench.testing.strategy_clauses import STRATEGY_CLAUSES

if TYPE_CHECKING:
    from albench.testing.contracts import ScenarioContract, StrategyContract

__all__ = [
    "Budget",
    "Clause",
    "ContractError",
    "Finding",
    "Probe",
    "ProbeNetwork",
    "SCENARIO_CLAUSES",
    "STRATEGY_CLAUSES",
    "ScenarioContract",
    "StrategyContract",
    "examine",
    "make_probe",
    "make_query",
]


def __getattr__(name: str) -> Any:
    if name in ("ScenarioContract", "StrategyContract"):
        from albench.testing import contracts

        return getattr(contracts, name)
    raise AttributeError(f"module 'albench.testing' has no attribute {name!r}")
