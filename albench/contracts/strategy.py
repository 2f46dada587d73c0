"""The contract of a query strategy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Ge

from albench.contracts.answers import check_scores, check_shape
from albench.contracts.component import Component

if TYPE_CHECKING:
    from torch import Tensor

    from albench.contracts.query import Query


@dataclass(frozen=True)
class Strategy(Component):
    """Decides what to label next. Override `score`, and `score_sets` where a value belongs to the whole set.

    `stream` chooses another stream of random numbers, so that ``random`` can be compared with ``random[stream=1]``.
    `permission` is what a reference line may have and no other strategy may; its rounds note it, and no report ranks
    it: "pool labels" shows it the pool's labels, "all labels" makes one round that labels the whole pool.
    """

    permission: ClassVar[Literal["pool labels", "all labels"] | None] = None

    stream: Annotated[int, Ge(0)] = field(default=0, kw_only=True)

    def score(self, query: Query) -> Tensor:
        """Return a number for each pool example, (n_pool,); higher is wanted more."""
        raise NotImplementedError(f"{type(self).__name__} has no score(query); define it, or override what calls it")

    def score_sets(self, query: Query) -> Tensor:
        """Return a number for each candidate set, (n_sets,): by default the mean score of its examples.

        A set's score must not depend on the other sets: they are single-class, and their overlap would give
        classes away.
        """
        scores = check_shape(self.score(query), len(query.pool), query.device, "score", "pool example")
        return scores[query.sets].mean(dim=1)

    def select(self, query: Query, k: int) -> Tensor:
        """Return the k pool indices to label, (k,), int64, best first: by default the top k by score.

        Ties go to the lowest index. With fewer than k examples in the pool all of them are returned.
        """
        return _top(self, query, k)[0]


def select_with_scores(strategy: Strategy, query: Query, k: int) -> tuple[Tensor, Tensor | None]:
    """Return what a strategy selects, and its score of each pool example, None where it does not select by them."""
    if type(strategy).select is Strategy.select:
        return _top(strategy, query, k)
    return strategy.select(query, k), None


def _top(strategy: Strategy, query: Query, k: int) -> tuple[Tensor, Tensor]:
    scores = strategy.score(query)
    check_scores(scores, len(query.pool), query.device, "score", "pool example")
    return scores.argsort(descending=True, stable=True)[:k], scores


def has_score(strategy: Strategy) -> bool:
    """Return whether a strategy values single examples."""
    return type(strategy).score is not Strategy.score


def ranks_sets(strategy: Strategy) -> bool:
    """Return whether a strategy can rank candidate sets."""
    return has_score(strategy) or type(strategy).score_sets is not Strategy.score_sets


def selects(strategy: Strategy) -> bool:
    """Return whether a strategy can select single examples."""
    return has_score(strategy) or type(strategy).select is not Strategy.select
