"""The heuristics of baal on the posteriors of dropout networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from annotated_types import Ge
from numpy.typing import NDArray
from torch import Tensor

from albench import Query, RequestError
from albench_strategies.adapters.library import Library, finite
from albench_strategies.dropout import DropoutStrategy

LIBRARY = Library("baal", "baal", "baal", ">=2.1,<2.2")
MODULE = "baal.active.heuristics"
HEURISTICS: Mapping[str, str] = {
    "random": "Random",
    "certainty": "Certainty",
    "entropy": "Entropy",
    "margin": "Margin",
    "bald": "BALD",
    "variance": "Variance",
    "batchbald": "BatchBALD",
    "epig": "EPIG",
}
SAMPLERS: Mapping[str, str] = {"power": "PowerSampling", "gibbs": "GibbsSampling", "rank": "RankBasedSampling"}
BLOCK_ELEMENTS = 1 << 24  # of what EPIG makes of a part of the pool

Posteriors = NDArray[Any]  # (n, C, T), as the library has them


@dataclass(frozen=True)
class Baal(DropoutStrategy):
    """Query what a heuristic of baal ranks first (Atighehchian et al. 2020).

    The library gets the posteriors of dropout networks, (n_pool, C, T). docs/strategies/adapters.md lists what each
    `heuristic` is. An example is worth its uncertainty, with the sign by which the heuristic ranks; a candidate set
    the mean over its examples.
    """

    results_version: ClassVar[int] = 1

    heuristic: str = field(kw_only=True)

    def __post_init__(self) -> None:
        """Raise RequestError for a heuristic that is not known, and a library that is not there or another one."""
        self._make(1, 0)
        if self.heuristic == "margin":
            object.__setattr__(self, "expected_failures", {"one-class": "baal's Margin asks for two classes or more"})

    @property
    def name(self) -> str:
        """What it is called in lists and sentences."""
        return f"baal-{self.heuristic}"

    def score(self, query: Query) -> Tensor:
        """Return the library's value of each example, float64, (n_pool,)."""
        posteriors = self._given(query)
        with LIBRARY.asked(query, self.name) as seed:
            values = self._values(posteriors, seed)
        return finite(values, self.name, LIBRARY.title, len(query.pool)).to(query.device)

    def select(self, query: Query, k: int) -> Tensor:
        """Return the k examples that the library ranks first, (min(k, n_pool),)."""
        due, posteriors = min(k, len(query.pool)), self._given(query)
        with LIBRARY.asked(query, self.name) as seed:
            ranks = np.asarray(self._ranks(posteriors, due, seed), dtype=np.int64)
        return torch.as_tensor(ranks[:due].copy()).to(query.device)

    def _given(self, query: Query) -> Posteriors:
        return self.posteriors(query).permute(1, 2, 0).cpu().numpy()

    def _make(self, k: int, seed: int) -> Any:  # noqa: ARG002 - others need k
        """Return the library's heuristic, to be asked for k examples."""
        given: dict[str, Any] = {"seed": seed} if self.heuristic == "random" else {}
        return self._built(HEURISTICS, self.heuristic, **given)

    def _values(self, posteriors: Posteriors, seed: int) -> Any:
        heuristic = self._make(1, seed)
        values = heuristic.get_uncertainties(posteriors)
        return values if heuristic.reversed else -values

    def _ranks(self, posteriors: Posteriors, k: int, seed: int) -> Any:
        return self._make(k, seed).get_ranks(posteriors)[0]

    def _built(self, classes: Mapping[str, str], name: str, module: str = MODULE, **given: Any) -> Any:
        if name not in classes:
            raise RequestError(f"there is no adapter of {self.heuristic!r}; known are: {', '.join(classes)}")
        asked = LIBRARY.find(module, classes[name], self.name)
        LIBRARY.check_call(asked, classes[name], self.name, **given)
        return asked(**given)


@dataclass(frozen=True)
class BaalStochastic(Baal):
    """Query what is drawn, without replacement, by the values of a heuristic of baal (Kirsch et al. 2023).

    `heuristic` is a way to draw and the heuristic, such as power-bald. The library gets the posteriors of dropout
    networks, (n_pool, C, T). An example is worth the probability with which it is drawn first, a candidate set the mean
    over its examples.
    """

    results_version: ClassVar[int] = 1

    def _make(self, k: int, seed: int) -> Any:  # noqa: ARG002 - the library draws from numpy's global generator
        sampler, _, name = self.heuristic.partition("-")
        given = {"base_heuristic": self._built(HEURISTICS, name), "query_size": k}
        return self._built(SAMPLERS, sampler, f"{MODULE}.stochastics", **given)

    def _values(self, posteriors: Posteriors, seed: int) -> Any:
        return self._make(1, seed).get_ranks(posteriors)[1]


@dataclass(frozen=True)
class BaalBatch(Baal):
    """Query the batch that baal's BatchBALD picks (Kirsch et al. 2019; Atighehchian et al. 2020).

    The library gets the posteriors of dropout networks, (n_pool, C, T), and goes on with `draws` label configurations
    of each network. Its own number is 500, with which 20 networks and a pool of 20,000 images of 10 classes take
    16 GB. An example is worth what the batch is that holds it alone, the library's BALD; a candidate set the mean over
    its examples.
    """

    results_version: ClassVar[int] = 1

    draws: Annotated[int, Ge(1)] = 50

    def _make(self, k: int, seed: int) -> Any:  # noqa: ARG002 - the library draws from torch's global generator
        return self._built(HEURISTICS, self.heuristic, num_samples=k, num_draw=self.draws)

    def _values(self, posteriors: Posteriors, seed: int) -> Any:  # noqa: ARG002 - BALD draws nothing
        return self._built(HEURISTICS, "bald").get_uncertainties(posteriors)

    def _ranks(self, posteriors: Posteriors, k: int, seed: int) -> Any:
        if k == len(posteriors):  # the library goes on to look for one more than k
            return self._built(HEURISTICS, "bald").get_ranks(posteriors)[0]
        return super()._ranks(posteriors, k, seed)


@dataclass(frozen=True)
class BaalTargets(Baal):
    """Query what tells most about the labels of other examples, baal's EPIG (Bickford Smith et al. 2023).

    The library gets the posteriors of dropout networks, (n_pool, C, T), and those of `targets` pool examples that are
    drawn anew each round, which stand for what the network will be asked. An example is worth the heuristic's value; a
    candidate set the mean over its examples.
    """

    results_version: ClassVar[int] = 1

    targets: Annotated[int, Ge(1)] = 100

    def _values(self, posteriors: Posteriors, seed: int) -> Any:
        return self._asked(posteriors, seed)[1]

    def _ranks(self, posteriors: Posteriors, k: int, seed: int) -> Any:  # noqa: ARG002 - all are ranked
        return self._asked(posteriors, seed)[0]

    def _asked(self, posteriors: Posteriors, seed: int) -> Any:
        """Return ranks and values; the library is given the pool in parts, since it pairs each with all targets."""
        drawn = torch.randperm(len(posteriors), generator=torch.Generator().manual_seed(seed))[: self.targets].numpy()
        n_parts = -(-len(posteriors) * len(drawn) * posteriors.shape[1] ** 2 // BLOCK_ELEMENTS)
        parts = (part for part in np.array_split(posteriors, n_parts))
        return self._make(1, seed).get_ranks(parts, target_predictions=posteriors[drawn])
