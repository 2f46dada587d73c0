"""Pool strategies of scikit-activeml on the network's features and posteriors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from albench import Query, RequestError, Strategy, StrategyError
from albench_strategies.adapters.library import Library, finite
from albench_strategies.adapters.recipes import RECIPES, Points, Recipe
from albench_strategies.dropout import DropoutStrategy

LIBRARY = Library("scikit-activeml", "skactiveml", "skactiveml", ">=1.0,<1.1")
MODULE = "skactiveml.pool"


@dataclass(frozen=True)
class SkalSelection(Strategy):
    """Query what a pool strategy of scikit-activeml selects (Kottke et al. 2021).

    The library gets the features of labelled and pool images and the labels; where it asks for a classifier, the
    network's head or one of its own. docs/strategies/adapters.md lists what each `query` is and gets.
    """

    results_version: ClassVar[int] = 1

    query: str

    def __post_init__(self) -> None:
        """Raise RequestError for a name that is not known, and a library that is not there or another one."""
        if self.query not in RECIPES:
            raise RequestError(f"there is no adapter of {self.query!r}; there are: {', '.join(RECIPES)}")
        recipe, options = self.recipe, self.recipe.options(2, np.zeros((1, 1)), 0)
        asked = LIBRARY.find(MODULE, recipe.cls, self.name)
        LIBRARY.check_call(asked, recipe.cls, self.name, random_state=0, **options)
        given = {"batch_size": 1, "return_utilities": True, **recipe.arguments(None)}
        LIBRARY.check_call(asked.query, f"{recipe.cls}.query", self.name, asked, None, None, candidates=None, **given)
        object.__setattr__(self, "expected_failures", recipe.failures)  # which are the library's, not this class's

    @property
    def name(self) -> str:
        """What it is called in lists and sentences."""
        return f"skal-{self.query}"

    @property
    def recipe(self) -> Recipe:
        """How the library is asked."""
        return RECIPES[self.query]

    def select(self, query: Query, k: int) -> Tensor:
        """Return the k examples that the library selects as one batch, (min(k, n_pool),).

        Where the library picks an example twice, it is asked for further ones among the others.
        """
        chosen: list[int] = []
        due, n_labeled = min(k, len(query.pool)), len(query.labeled)
        with self._asking(query) as ask:
            while len(chosen) < due:
                rest = None if not chosen else np.setdiff1d(np.arange(len(query.pool)), chosen) + n_labeled
                picks, _ = ask(due - len(chosen), rest)
                if len(picks) == 0:
                    raise StrategyError(f"{self.name}: {LIBRARY.title} selected nothing where {due} were asked for")
                chosen += dict.fromkeys((np.asarray(picks, dtype=np.int64) - n_labeled).tolist())
        return torch.tensor(chosen, dtype=torch.int64, device=query.device)

    @contextmanager
    def _asking(self, query: Query) -> Iterator[Callable[[int, NDArray[np.int64] | None], tuple[Any, Any]]]:
        """Give what asks the library for k of some candidates, all by default, and returns picks and utilities."""
        points, model = self._given(query)
        labels = np.concatenate([query.labels.cpu().double().numpy(), np.full(len(query.pool), np.nan)])
        with LIBRARY.asked(query, self.name) as seed:
            asked = LIBRARY.find(MODULE, self.recipe.cls, self.name)
            strategy = asked(random_state=seed, **self.recipe.options(query.n_classes, points, seed))
            given = self.recipe.arguments(model(query, points, seed))

            def ask(k: int, candidates: NDArray[np.int64] | None = None) -> tuple[Any, Any]:
                found: tuple[Any, Any] = strategy.query(
                    points, labels, candidates=candidates, batch_size=k, return_utilities=True, **given
                )
                return found

            yield ask

    def _given(self, query: Query) -> tuple[Points, Callable[..., Any]]:
        """Return what stands for labelled and pool examples, (n_labeled + n_pool, d), and what makes the classifier."""
        features = torch.cat([query.labeled_features, query.features])
        return features.detach().cpu().double().numpy(), self.recipe.classifier


@dataclass(frozen=True)
class Skal(SkalSelection):
    """Query what a pool strategy of scikit-activeml values most (Kottke et al. 2021).

    The library gets the features of labelled and pool images and the labels; where it asks for a classifier, the
    network's head or one of its own. docs/strategies/adapters.md lists what each `query` is and gets. An example is
    worth its utility when a single one is asked for; a candidate set the mean over its examples.
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return the library's utility of each example when one is asked for, float64, (n_pool,)."""
        with self._asking(query) as ask:
            _, utilities = ask(1, None)
        values = np.asarray(utilities)[0, len(query.labeled) :]
        return finite(values, self.name, LIBRARY.title, len(query.pool)).to(query.device)


@dataclass(frozen=True)
class SkalNetworks(DropoutStrategy, Skal):
    """Query what a strategy of scikit-activeml makes of dropout networks (Kottke et al. 2021).

    The library gets the posteriors of dropout networks as its ensemble, and row numbers for features, which it looks
    at in no other way. docs/strategies/adapters.md lists what each `query` is and gets. An example is worth its utility
    when a single one is asked for; a candidate set the mean over its examples.
    """

    results_version: ClassVar[int] = 1

    def _given(self, query: Query) -> tuple[Points, Callable[..., Any]]:
        posteriors = self.posteriors(query).cpu().double().numpy()

        def networks(query: Query, points: Points, seed: int) -> Any:  # noqa: ARG001 - called as its siblings are
            from albench_strategies.adapters.classifiers import Networks

            return Networks(query, np.pad(posteriors, ((0, 0), (len(query.labeled), 0), (0, 0))))

        return np.arange(len(query.labeled) + len(query.pool), dtype=np.float64)[:, None], networks
