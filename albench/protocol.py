"""The protocol's numbers: one schedule and one way to query for every strategy of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt


@dataclass(frozen=True)
class Protocol:
    """Training schedule and query of a study; the defaults are the paper's (Kaeding et al. 2016, section 3).

    Where the paper gives no number the decision and its reason are in docs/protocol.md.
    """

    initial_iterations: Annotated[int, Ge(1)] = 2000  # mini-batches of the initial training
    update_iterations: Annotated[int, Ge(1)] = 1000  # mini-batches after each query
    batch_size: Annotated[int, Ge(1)] = 64
    learning_rate: Annotated[float, Gt(0)] = 1e-4
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    weight_decay: Annotated[float, Ge(0)] = 5e-4
    old_fraction: Annotated[float, Ge(0), Le(1)] = 0.9  # chance that a mini-batch example is not of this round's query
    n_sets: Annotated[int, Ge(1)] = 1000  # candidate sets a round
    set_size: Annotated[int, Ge(1)] = 25  # examples a set
    rounds: Annotated[int, Ge(0)] | None = None  # none: until no class has set_size examples left in the pool
