"""What a strategy sees of a round."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from albench.contracts.memory import MOST_NAME, Memory
from albench.errors import StrategyError, shown

FORWARD_BATCH = 250
MOST_NOTES = 100  # of a round
MOST_NOTE = 200  # characters of a note that is text


class Query:
    """A round as a strategy sees it: images, the network, candidate sets; never a label of the pool.

    It cannot be changed but through `note` and `remember`. Everything derived from the network is computed once, when
    first asked for, in eval mode and without gradients.
    """

    _network: Any
    _pool: Tensor
    _labeled: Tensor
    _labels: Tensor
    _sets: Tensor | None
    _generator: torch.Generator
    _pool_labels: Tensor | None
    _batch_size: int
    _round: int
    _history: Tensor
    _pool_ids: Tensor
    _labeled_ids: Tensor
    _memory: Memory
    _notes: dict[str, float | str]

    def __init__(
        self,
        network: Any,
        pool: Tensor,
        labeled: Tensor,
        labels: Tensor,
        sets: Tensor | None,
        generator: torch.Generator,
        pool_labels: Tensor | None = None,
        batch_size: int = FORWARD_BATCH,
        round: int = 1,  # noqa: A002 - the field's word
        history: Tensor | None = None,
        pool_ids: Tensor | None = None,
        labeled_ids: Tensor | None = None,
        memory: Mapping[str, Any] | None = None,
    ) -> None:
        device = pool.device
        self.__dict__.update(
            _network=network,
            _pool=pool,
            _labeled=labeled,
            _labels=labels,
            _sets=sets,
            _generator=generator,
            _pool_labels=pool_labels,
            _batch_size=batch_size,
            _round=round,
            _history=history if history is not None else torch.zeros(len(labeled), dtype=torch.int64, device=device),
            _pool_ids=pool_ids if pool_ids is not None else torch.arange(len(pool), device=device),
            _labeled_ids=labeled_ids if labeled_ids is not None else torch.full((len(labeled),), -1, device=device),
            _memory=Memory(memory or {}, device),
            _notes={},
        )

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(f"query.{name} cannot be set: a query is frozen; keep a value with query.remember")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"query.{name} cannot be deleted: a query is frozen")

    @property
    def pool(self) -> Tensor:
        """The pool's inputs as the network sees them, float32, (n_pool, C, H, W) or (n_pool, d), on `device`."""
        return self._pool

    @property
    def labeled(self) -> Tensor:
        """The labelled inputs as the network sees them, float32, (n_labeled, C, H, W) or (n_labeled, d)."""
        return self._labeled

    @property
    def labels(self) -> Tensor:
        """The network's output index of each labelled example, int64, (n_labeled,)."""
        return self._labels

    @property
    def network(self) -> Any:
        """A copy of the network in eval mode: a module with `features(x)` and a linear `head`."""
        return self._network

    @property
    def n_classes(self) -> int:
        """The number of the network's outputs, which are the classes seen so far."""
        return int(self._network.head.out_features)

    @property
    def device(self) -> torch.device:
        """The device that holds the inputs and the network."""
        return self._pool.device

    @property
    def sets(self) -> Tensor:
        """Candidate sets as pool indices, int64, (n_sets, K); StrategyError in protocols without them."""
        if self._sets is None:
            raise StrategyError(
                "this round has no candidate sets, since its protocol selects single examples; define score(query) or "
                "select(query, k), or run the strategy under --protocol discovery"
            )
        return self._sets

    @property
    def pool_labels(self) -> Tensor:
        """The pool's labels as output indices, -1 for a class that is not found yet, int64, (n_pool,).

        Only for a reference line whose class asks with ``permission = "pool labels"``, which its results carry.
        Raises StrategyError for every other strategy.
        """
        if self._pool_labels is None:
            raise StrategyError(
                "pool_labels are hidden from strategies; score without them, or declare "
                '`permission = "pool labels"` in a class that is meant as a reference line'
            )
        return self._pool_labels

    @property
    def round(self) -> int:
        """The number of this query, from 1. How many will come is not told: a cell may be extended."""
        return self._round

    @property
    def history(self) -> Tensor:
        """For each labelled example the round that asked for it, 0 for the initial set, int64, (n_labeled,)."""
        return self._history

    @property
    def pool_ids(self) -> Tensor:
        """What names each pool example in every round, int64, (n_pool,): its place in the seed's shuffled pool."""
        return self._pool_ids

    @property
    def labeled_ids(self) -> Tensor:
        """The `pool_ids` that labelled examples had in the pool, -1 for the initial set, int64, (n_labeled,)."""
        return self._labeled_ids

    @property
    def memory(self) -> Mapping[str, Any]:
        """What this strategy has remembered: names to tensors (on `device`) or plain values; empty in round 1."""
        return self._memory

    def remember(self, name: str, value: Any) -> None:
        """Keep a tensor or a plain value in `memory` for this and later rounds, until overwritten; None forgets it.

        A tensor is copied. Plain are finite numbers, texts, and lists and mappings of them. Raises StrategyError for
        anything else, for numbers that are not finite, and for more than 64 MB in all.
        """
        self._memory.keep(name, value)

    def stored_memory(self) -> dict[str, Any]:
        """Return the memory as a checkpoint keeps it, for the harness."""
        return self._memory.stored()

    def given(self) -> dict[str, Tensor]:
        """Return the tensors that strategies share or keep, by what they are called, for the harness to watch."""
        names = ("pool", "labeled", "labels", "history", "pool_ids", "labeled_ids")
        found = {name: getattr(self, name) for name in names}
        if self._sets is not None:
            found["sets"] = self._sets
        kept = self._memory.tensors()
        return {**found, **{f"memory[{name!r}]": value for name, value in kept.items()}}

    @property
    def batch_size(self) -> int:
        """How many inputs to give the network at once; memory depends on it, scores must not."""
        return self._batch_size

    @property
    def generator(self) -> torch.Generator:
        """A CPU generator of the strategy's own stream for this round; draw on the CPU, then move."""
        return self._generator

    @property
    def features(self) -> Tensor:
        """What enters the network's last layer for each pool example, (n_pool, d)."""
        return self._forward[0]

    @cached_property
    def labeled_features(self) -> Tensor:
        """What enters the network's last layer for each labelled example, (n_labeled, d)."""
        return self._features(self._labeled)

    @property
    def logits(self) -> Tensor:
        """The network's outputs before the softmax, (n_pool, n_classes)."""
        return self._forward[1]

    @cached_property
    def probabilities(self) -> Tensor:
        """The softmax of the logits, (n_pool, n_classes), each row summing to 1."""
        return torch.softmax(self.logits, dim=1)

    @property
    def notes(self) -> Mapping[str, float | int | str]:
        """What the strategy has noted so far."""
        return self._notes

    def note(self, name: str, value: float | str) -> None:
        """Keep a number or a short text with the round (column `notes`).

        Raises StrategyError for anything else, a number that is not finite, a name or a text over 200 characters, and
        for more than 100 notes.
        """
        if len(name) > MOST_NAME:
            raise StrategyError(f"note({shown(name)}, ...): a note's name is a text of at most {MOST_NAME} characters")
        if len(self._notes) >= MOST_NOTES and name not in self._notes:
            raise StrategyError(f"note({shown(name)}, ...): a round keeps at most {MOST_NOTES} notes; note fewer")
        if isinstance(value, float) and not math.isfinite(value):
            raise StrategyError(f"note({name!r}, {value}): a note is a finite number or a short text")
        known: tuple[type, ...] = (int, float, str)  # what a type hint says, an author may not have read
        if not isinstance(value, known) or len(str(value)) > MOST_NOTE:
            raise StrategyError(
                f"note({name!r}, ...): a note is a finite number or a text of at most {MOST_NOTE} characters"
            )
        self._notes[name] = value

    @cached_property
    def _forward(self) -> tuple[Tensor, Tensor]:
        features = self._features(self._pool)
        with torch.no_grad():
            return features, self._network.head(features)

    def _features(self, inputs: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([self._network.features(part) for part in torch.split(inputs, self._batch_size)])
