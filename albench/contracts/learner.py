"""The contract of a learner: how a network is trained on the initial set, and after each query."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from albench.contracts.component import Component
from albench.contracts.scenario import Indices, Inputs

if TYPE_CHECKING:
    from albench.training.model import Model


@dataclass(frozen=True)
class Examples:
    """Labelled examples to train on, the initial ones first, then in the order in which they were asked for."""

    inputs: Inputs  # uint8 images (n, C, H, W), or float32 features (n, d)
    labels: Indices  # (n,), the scenario's classes

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Learner(Component):
    """Trains the network of a cell. It keeps nothing between rounds: what it learns is in the model's weights.

    `update_only` names the parameters that the initial training does not depend on, so that cells which differ in
    these alone share their initial network.
    """

    update_only: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def fit(self, model: Model, examples: Examples) -> None:
        """Train a model that has just been built on the initial set; DivergedError."""

    @abstractmethod
    def update(self, model: Model, examples: Examples, n_new: int, round_number: int) -> None:
        """Train after a query, whose examples are the last `n_new`; the model has an output for each class already."""

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise RequestError for inputs, (C, H, W) or (d,), that it cannot train on."""

    def check_device(self, device: str) -> None:
        """Raise RequestError for a device that it cannot train on."""
