"""The usual protocol of pool-based active learning: the strategy selects k examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from albench.contracts.answers import check_selection
from albench.contracts.protocol import Indices, Labeled, Protocol
from albench.contracts.strategy import selects
from albench.errors import RequestError

if TYPE_CHECKING:
    from albench.contracts.query import Query
    from albench.contracts.strategy import Strategy


@dataclass(frozen=True)
class TopK(Protocol):
    """The strategy selects `query_size` examples of the pool, and all of them are labelled.

    What batch strategies were published for (BADGE, CoreSet, BAIT, TypiClust, BatchBALD ...). The last round may be
    smaller; the pool is exhausted when it is empty.
    """

    results_version: ClassVar[int] = 1
    columns: ClassVar[Mapping[str, str]] = {"n_novel_queried": "Int64"}

    query_size: Annotated[int, Ge(1)] = 100  # examples a round

    def rounds(self, pool_labels: Indices) -> int:
        """Return how many queries the pool lasts."""
        return -(-len(pool_labels) // self.query_size)

    def choose(self, strategy: Strategy, query: Query) -> Indices:
        """Return what the strategy selects."""
        return check_selection(strategy.select(query, self.query_size), self.query_size, len(query.pool))

    def check(self, strategy: Strategy) -> None:
        """Refuse a strategy that only ranks sets."""
        if not selects(strategy):
            raise RequestError(
                "it only ranks candidate sets, and top-k asks for single examples; define score(query) or "
                "select(query, k) in its class, or run it under --protocol discovery"
            )

    def record(self, labeled: Labeled) -> dict[str, Any]:
        """Return how many of the examples are of a novel class: not in the initial set, and not rejected."""
        is_novel = ~np.isin(labeled.labels, list(labeled.known)) & labeled.is_named
        return {"n_novel_queried": int(is_novel.sum())}
