"""The network that asks: trained as a cell trains it, through the rounds of earlier answers where there are some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albench.contracts.generators import held_to_streams
from albench.contracts.learner import Examples, Learner
from albench.contracts.network import Network
from albench.contracts.scenario import Indices, Inputs
from albench.querying.history import Timeline
from albench.training.model import Model, Watch


@dataclass(frozen=True)
class Learned:
    """A trained network, what it was trained on, and what it and its forerunners made of the stop set."""

    model: Model
    examples: Examples
    history: Indices  # (n,), the round that asked for each example, 0 for the first ones
    predictions: Sequence[NDArray[np.int64]]  # one array a model, (n_stop,); none without earlier answers

    @property
    def round(self) -> int:
        """The number of the query that comes now, from 1."""
        return int(self.history.max()) + 1


def learned(
    recipe: Network,
    learner: Learner,
    images: Inputs,
    labels: Indices,
    timeline: Timeline,
    stop_set: Inputs,
    seed: int,
    device: str,
    watch: Watch,
) -> Learned:
    """Return the network of all labels.

    Without earlier answers it knows all classes from the start. With them it is what a cell's would be: it begins with
    the labels that were there before the first answer, and each answer grows and updates it. DivergedError,
    SettingError.
    """
    first, *later = timeline.rounds
    known = sorted(set(labels[first].tolist()))
    model = Model(recipe, seed, known, images[first], device, watch)
    with held_to_streams("training"):
        learner.fit(model, Examples(images[first], labels[first]))
    predictions = [model.predict(stop_set)] if later else []
    rows = first
    for number, new in enumerate(later, start=1):
        rows = np.concatenate([rows, new])
        for label in sorted(set(labels[new].tolist()) - set(model.classes)):
            model.grow(label)
        with held_to_streams("training"):
            learner.update(model, Examples(images[rows], labels[rows]), len(new), number)
        predictions.append(model.predict(stop_set))
    history = np.repeat(np.arange(len(timeline.rounds)), [len(one) for one in timeline.rounds])
    return Learned(model, Examples(images[rows], labels[rows]), history, predictions)
