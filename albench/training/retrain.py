"""The usual learner of pool-based active learning: a new network each round, trained on all labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge

from albench.contracts.learner import Examples
from albench.rng import stream
from albench.training.batches import uniform_rows
from albench.training.schedule import ScheduledLearner

if TYPE_CHECKING:
    from albench.training.model import Model


@dataclass(frozen=True)
class Retrain(ScheduledLearner):
    """Training from scratch each round, on all that is labelled.

    A round builds the network of the known classes with the seed's initial weights, grows it by the classes found so
    far in the order of their numbers, and trains it on batches drawn uniformly with replacement. Weights at the start
    and streams are the same for every strategy, so that only the data differ.
    """

    results_version: ClassVar[int] = 1

    iterations: Annotated[int, Ge(1)] = 2000  # mini-batches of each training

    def fit(self, model: Model, examples: Examples) -> None:
        """Train on the initial set."""
        self._train(model, examples, 0, "the initial training")

    def update(self, model: Model, examples: Examples, n_new: int, round_number: int) -> None:  # noqa: ARG002
        """Build the network anew and train it on all examples."""
        found = sorted(set(examples.labels.tolist()) - set(model.known))
        model.rebuild()
        for label in found:
            model.grow(label)
        self._train(model, examples, round_number, f"the training of round {round_number}")

    def _train(self, model: Model, examples: Examples, round_number: int, what: str) -> None:
        from albench.training.engine import execute

        shape = (self.iterations, self.batch_size)
        rows = uniform_rows(len(examples), shape, stream(model.seed, "retrain batches", round_number))
        execute(model, self.plan(what, rows, model.seed, "retrain", round_number), examples, self)
