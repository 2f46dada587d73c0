"""The paper's protocol: the best of many single-class candidate sets is labelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge

from albench.contracts.answers import check_scores
from albench.contracts.protocol import Indices, Labeled, Protocol
from albench.contracts.strategy import ranks_sets
from albench.errors import RequestError
from albench.protocols.sets import draw_sets

if TYPE_CHECKING:
    from albench.contracts.query import Query
    from albench.contracts.strategy import Strategy


@dataclass(frozen=True)
class Discovery(Protocol):
    """Candidate sets of a single class each, drawn with the true labels; the one of the highest score is labelled.

    Kaeding et al. 2016, section 3. Ties go to the lowest index. The pool is exhausted when no class has `set_size`
    examples left.
    """

    results_version: ClassVar[int] = 1
    columns: ClassVar[Mapping[str, str]] = {
        "query_class": "object",
        "query_is_novel": "boolean",
        "query_label": "Int64",
    }

    n_sets: Annotated[int, Ge(1)] = 1000  # candidate sets a round
    set_size: Annotated[int, Ge(1)] = 25  # examples a set

    def rounds(self, pool_labels: Indices) -> int:
        """Return how many sets the classes of the pool hold."""
        return int((np.unique(pool_labels, return_counts=True)[1] // self.set_size).sum())

    def sets(self, pool_labels: Indices, draws: np.random.Generator) -> Indices | None:
        """Return candidate sets; see `draw_sets`."""
        return draw_sets(pool_labels, self.n_sets, self.set_size, draws)

    def choose(self, strategy: Strategy, query: Query) -> Indices:
        """Return the candidate set of the highest score."""
        sets = query.sets
        scores = strategy.score_sets(query)
        checked = check_scores(scores, len(sets), query.device, "score_sets", "candidate set")
        chosen: Indices = sets[int(np.argmax(checked))].cpu().numpy()
        return chosen

    def check(self, strategy: Strategy) -> None:
        """Refuse a strategy that ranks no sets."""
        if not ranks_sets(strategy):
            raise RequestError(
                "it ranks no candidate sets, and discovery asks for that; define score(query) or score_sets(query) in "
                "its class, or run it under --protocol top-k"
            )

    def check_pool(self, pool_labels: Indices) -> None:
        """Refuse a pool in which no class has as many examples as a set."""
        most = int(np.unique(pool_labels, return_counts=True)[1].max())
        if self.set_size > most:
            raise RequestError(
                f"set_size={self.set_size}, and no class has more than {most} images in the pool; ask for --set "
                f"set_size={most} or less"
            )

    def record(self, labeled: Labeled) -> dict[str, Any]:
        """Return the true class of the queried set, which has no output where no answer has named it."""
        label, outputs = int(labeled.labels[0]), list(labeled.outputs)
        return {
            "query_class": labeled.class_names[label],
            "query_is_novel": label not in labeled.known and bool(labeled.is_named.any()),
            "query_label": outputs.index(label) if label in outputs else None,
        }
