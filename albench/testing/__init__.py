"""What plugin authors test with: real queries in one call, and contracts to inherit.

`StrategyContract`, `ScenarioContract`, `ProtocolContract`, `LearnerContract` and `NetworkContract` need pytest; nothing
else here does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from albench.testing.clauses import Budget, Clause, ContractError, Finding, examine
from albench.testing.learner_clauses import LEARNER_CLAUSES
from albench.testing.network_clauses import NETWORK_CLAUSES
from albench.testing.probes import Probe, ProbeNetwork, make_probe
from albench.testing.protocol_clauses import PROTOCOL_CLAUSES
from albench.testing.queries import make_query
from albench.testing.scenario_clauses import SCENARIO_CLAUSES
from albench.testing.strategy_clauses import STRATEGY_CLAUSES

if TYPE_CHECKING:
    from albench.testing.contracts import (
        LearnerContract,
        NetworkContract,
        ProtocolContract,
        ScenarioContract,
        StrategyContract,
    )

CLAUSES = {  # by kind; components of other kinds have none
    "strategies": STRATEGY_CLAUSES,
    "scenarios": SCENARIO_CLAUSES,
    "protocols": PROTOCOL_CLAUSES,
    "learners": LEARNER_CLAUSES,
    "networks": NETWORK_CLAUSES,
}

__all__ = [
    "Budget",
    "CLAUSES",
    "Clause",
    "ContractError",
    "Finding",
    "LEARNER_CLAUSES",
    "LearnerContract",
    "NETWORK_CLAUSES",
    "NetworkContract",
    "PROTOCOL_CLAUSES",
    "Probe",
    "ProbeNetwork",
    "ProtocolContract",
    "SCENARIO_CLAUSES",
    "STRATEGY_CLAUSES",
    "ScenarioContract",
    "StrategyContract",
    "examine",
    "make_probe",
    "make_query",
]


def __getattr__(name: str) -> Any:
    if name.endswith("Contract") and name in __all__:
        from albench.testing import contracts

        return getattr(contracts, name)
    raise AttributeError(f"module 'albench.testing' has no attribute {name!r}")
