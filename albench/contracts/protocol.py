"""The contract of a protocol: how a round asks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from albench.contracts.component import Component
from albench.errors import RequestError

if TYPE_CHECKING:
    from albench.contracts.query import Query
    from albench.contracts.strategy import Strategy

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Labeled:
    """What a round labelled, for the columns that a protocol adds."""

    labels: Indices  # (k,), the scenario's class of each example, in the order in which they were chosen
    known: Sequence[int]  # the classes of the initial set
    outputs: Sequence[int]  # the class of each output of the network, those just found included
    class_names: Sequence[str]
    answers: Indices | None = None  # (k,), what the oracle said, -1 where it named no class; None: the labels

    @property
    def is_named(self) -> NDArray[np.bool_]:
        """Whether the oracle named a class, for each example, (k,)."""
        return np.ones(len(self.labels), dtype=bool) if self.answers is None else self.answers >= 0


@dataclass(frozen=True)
class Protocol(Component):
    """What a round needs of the pool, how the strategy is asked, which columns a round adds, and when it ends.

    `columns` maps the names of the columns that it adds to a row to their types in a frame: Int64, float64, boolean or
    object. They are null in round 0.
    """

    columns: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def rounds(self, pool_labels: Indices) -> int:
        """Return how many rounds a pool of these true labels allows at most; 0 when it is exhausted."""

    def sets(self, pool_labels: Indices, draws: np.random.Generator) -> Indices | None:  # noqa: ARG002
        """Return candidate sets as positions in the pool, int64, (n_sets, K); None in a protocol without them."""
        return None

    @abstractmethod
    def choose(self, strategy: Strategy, query: Query) -> Indices:
        """Ask the strategy, check its answer, and return the positions in the pool to label; StrategyError."""

    def check(self, strategy: Strategy) -> None:
        """Raise RequestError for a strategy that cannot be asked in this way."""

    def check_pool(self, pool_labels: Indices) -> None:
        """Raise RequestError for a pool, of these true labels, that allows no round at all."""
        if self.rounds(pool_labels) < 1:
            raise RequestError(
                f"its pool of {len(pool_labels)} examples allows no round; enlarge it, or ask for less at once"
            )

    def record(self, labeled: Labeled) -> dict[str, Any]:  # noqa: ARG002
        """Return the values of `columns` for a round, as JSON knows values."""
        return {}
