"""The paper's learner: one network, fine-tuned after each query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Ge, Le

from albench.contracts.learner import Examples
from albench.rng import stream
from albench.training.batches import mixed_rows, uniform_rows
from albench.training.schedule import ScheduledLearner

if TYPE_CHECKING:
    from albench.training.model import Model


@dataclass(frozen=True)
class Finetune(ScheduledLearner):
    """Continuous fine-tuning: each query goes on from the network that was there (Kaeding et al. 2016).

    The optimiser starts anew at each update. Batches are drawn uniformly with replacement; in an update each example of
    a batch is an old one with probability `old_fraction`, else one of the query that has just been labelled.
    Batch normalisation, where the network has it, uses the statistics of the batch in every training and moves its
    running ones; with `batch_norm=frozen` updates use the running ones of the initial training and leave them.
    """

    results_version: ClassVar[int] = 1
    update_only: ClassVar[frozenset[str]] = frozenset({"update_iterations", "old_fraction", "batch_norm"})

    initial_iterations: Annotated[int, Ge(1)] = 2000  # mini-batches of the initial training
    update_iterations: Annotated[int, Ge(1)] = 1000  # mini-batches after each query
    old_fraction: Annotated[float, Ge(0), Le(1)] = 0.9  # chance that an example of a batch is not of this round's query
    batch_norm: Literal["moving", "frozen"] = "moving"  # its running statistics in updates

    def fit(self, model: Model, examples: Examples) -> None:
        """Train on the initial set."""
        from albench.training.engine import execute

        shape = (self.initial_iterations, self.batch_size)
        rows = uniform_rows(len(examples), shape, stream(model.seed, "initial batches"))
        execute(model, self.plan("the initial training", rows, model.seed, "initial", 0), examples, self)

    def update(self, model: Model, examples: Examples, n_new: int, round_number: int) -> None:
        """Fine-tune on old examples and on those of the query."""
        from albench.training.engine import execute

        shape = (self.update_iterations, self.batch_size)
        draws = stream(model.seed, "update batches", round_number)
        rows = mixed_rows(len(examples) - n_new, n_new, self.old_fraction, shape, draws)
        what = f"the update of round {round_number}"
        plan = self.plan(what, rows, model.seed, "update", round_number)
        execute(model, replace(plan, frozen_statistics=self.batch_norm == "frozen"), examples, self)
