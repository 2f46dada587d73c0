"""What a strategy sees of a round."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from albench.errors import StrategyError

FORWARD_BATCH = 250


class Query:
    """A round as a strategy sees it: images, the network, candidate sets; never a label of the pool.

    Everything derived from the network is computed once, when first asked for, in eval mode and without gradients.
    """

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
    ) -> None:
        self._network = network
        self._pool = pool
        self._labeled = labeled
        self._labels = labels
        self._sets = sets
        self._generator = generator
        self._pool_labels = pool_labels
        self._batch_size = batch_size
        self._notes: dict[str, float | str] = {}

    @property
    def pool(self) -> Tensor:
        """The pool's images as the network sees them, float32, (n_pool, C, H, W), on `device`."""
        return self._pool

    @property
    def labeled(self) -> Tensor:
        """The labelled images as the network sees them, float32, (n_labeled, C, H, W), on `device`."""
        return self._labeled

    @property
    def labels(self) -> Tensor:
        """The network's output index of each labelled image, int64, (n_labeled,)."""
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
        """The device that holds the images and the network."""
        return self._pool.device

    @property
    def sets(self) -> Tensor | None:
        """Candidate sets as pool indices, int64, (n_sets, K); None in protocols without them."""
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
    def batch_size(self) -> int:
        """How many images to give the network at once; memory depends on it, scores must not."""
        return self._batch_size

    @property
    def generator(self) -> torch.Generator:
        """A CPU generator of the strategy's own stream for this round; draw on the CPU, then move."""
        return self._generator

    @property
    def features(self) -> Tensor:
        """What enters the network's last layer for each pool image, (n_pool, d)."""
        return self._forward[0]

    @cached_property
    def labeled_features(self) -> Tensor:
        """What enters the network's last layer for each labelled image, (n_labeled, d)."""
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

        Raises StrategyError for anything else, a number that is not finite, or a text over 200 characters.
        """
        if isinstance(value, float) and not math.isfinite(value):
            raise StrategyError(f"note({name!r}, {value}): a note is a finite number or a short text")
        known: tuple[type, ...] = (int, float, str)  # what a type hint says, an author may not have read
        if not isinstance(value, known) or len(str(value)) > 200:
            raise StrategyError(f"note({name!r}, ...): a note is a finite number or a text of at most 200 characters")
        self._notes[name] = value

    @cached_property
    def _forward(self) -> tuple[Tensor, Tensor]:
        features = self._features(self._pool)
        with torch.no_grad():
            return features, self._network.head(features)

    def _features(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([self._network.features(part) for part in torch.split(images, self._batch_size)])
