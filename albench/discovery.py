"""The loop of one cell: query, label, update, evaluate (Kaeding et al. 2016, section 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from albench.asking import Answer, ask
from albench.candidates import draw_sets
from albench.cell import Checkpoint, Row
from albench.contracts.query import Query
from albench.contracts.scenario import Split
from albench.contracts.strategy import Strategy
from albench.learner import Learner
from albench.measure import Measurement
from albench.rng import stream, torch_stream
from albench.spec import CellSpec

NO_QUERY: Row = {
    "query_class": None,
    "query_is_novel": None,
    "query_label": None,
    "query_seconds": None,
    "peak_memory_bytes": None,
    "query_indices": None,
    "notes": {},
}


@dataclass
class Discovery:
    """A cell under way: what is labelled, what is left, what the network has become, and what was recorded."""

    spec: CellSpec
    split: Split
    strategy: Strategy
    learner: Learner
    labeled: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def run(self, save: Callable[[Discovery], None], initial_seconds: float) -> bool:
        """Run the rounds that are missing, saving each; return whether the pool is exhausted."""
        if not self.rows:
            self.labeled = self.split.initial.tolist()
            self.record(NO_QUERY, initial_seconds)
            save(self)
        while self.spec.protocol.rounds is None or len(self.rows) <= self.spec.protocol.rounds:
            if not self.round():
                return True
            save(self)
        return False

    def round(self) -> bool:
        """Query the best candidate set, label it, update the network, evaluate; False when no set can be drawn."""
        number = len(self.rows)
        pool = self.pool()
        protocol = self.spec.protocol
        draws = stream(self.spec.seed, "candidate sets", number)
        sets = draw_sets(self.split.labels[pool], protocol.n_sets, protocol.set_size, draws)
        if sets is None:
            return False
        answer = ask(self.strategy, self.query(pool, sets, number))
        asked = pool[sets[answer.chosen]]
        label = int(self.split.labels[asked[0]])
        if label not in self.learner.classes:
            self.learner.grow(label)
        self.labeled.extend(asked.tolist())
        with Measurement(self.learner.device) as training:
            images, labels = self._of(self.labeled)
            self.learner.update(images, labels, len(asked), number)
        self.record(self._query_columns(answer, asked, label), training.seconds)
        return True

    def pool(self) -> NDArray[np.int64]:
        """Return the rows that can still be queried, in the order of the split's pool."""
        return self.split.pool[~np.isin(self.split.pool, self.labeled)]

    def query(self, pool: NDArray[np.int64], sets: NDArray[np.int64], number: int) -> Query:
        """Return what the strategy sees of a round: images, labels of what is labelled, a copy of the network."""
        images, labels = self._of(self.labeled)
        return Query(
            network=self.learner.snapshot(),
            pool=self.learner.prepare(self.split.images[pool]),
            labeled=self.learner.prepare(images),
            labels=self.learner.outputs(labels),
            sets=torch.from_numpy(sets).to(self.learner.device),
            generator=torch_stream(self.spec.seed, "strategy", self.spec.strategy.name, self.strategy.stream, number),
            pool_labels=self._pool_labels(pool) if self.strategy.permission == "pool labels" else None,
        )

    def record(self, query_columns: Row, train_seconds: float) -> None:
        """Evaluate on the test images and add the round's row; images of undiscovered classes count as errors."""
        with Measurement(self.learner.device) as evaluation:
            images, labels = self._of(self.split.test)
            correct = self.learner.predict(images) == labels
        is_known = np.isin(labels, self.split.known)
        novel = set(self.split.novel)
        self.rows.append(
            {
                "scenario": self.spec.scenario.label,
                "strategy": self.spec.strategy.label,
                "seed": self.spec.seed,
                "round": len(self.rows),
                "n_labeled": len(self.labeled),
                "accuracy": float(correct.mean()),
                "accuracy_known": _mean(correct[is_known]),
                "accuracy_novel": _mean(correct[~is_known]),
                "n_classes": len(self.learner.classes),
                "n_novel_found": len(novel.intersection(self.learner.classes)),
                **query_columns,
                "train_seconds": train_seconds,
                "eval_seconds": evaluation.seconds,
            }
        )

    def outcome(self) -> dict[str, Any]:
        """Return what the network makes of the test images now: for each class, how many it takes for which.

        `confusion` counts, rows are true and columns predicted classes, both in the order of `classes` (names), the
        known ones first.
        """
        images, labels = self._of(self.split.test)
        classes = [*self.split.known, *self.split.novel]
        predicted = self.learner.predict(images)
        counts = [[int((predicted[labels == true] == other).sum()) for other in classes] for true in classes]
        return {
            "round": len(self.rows) - 1,
            "classes": [self.split.class_names[label] for label in classes],
            "n_known": len(self.split.known),
            "confusion": counts,
        }

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint: streams are keyed by the round, so nothing else has to be restored."""
        self.labeled = list(checkpoint.labeled)
        self.rows = list(checkpoint.rows)
        self.learner.load(dict(checkpoint.weights), checkpoint.classes)

    def checkpoint(self) -> Checkpoint:
        """Return the cell as the last round left it."""
        return Checkpoint(list(self.rows), list(self.labeled), list(self.learner.classes), self.learner.weights())

    def _query_columns(self, answer: Answer, asked: NDArray[np.int64], label: int) -> dict[str, Any]:
        return {
            "query_class": self.split.class_names[label],
            "query_is_novel": label not in self.split.known,
            "query_label": self.learner.classes.index(label),
            "query_seconds": answer.seconds,
            "peak_memory_bytes": answer.peak_memory_bytes,
            "query_indices": asked.tolist(),
            "notes": dict(answer.notes),
        }

    def _pool_labels(self, pool: NDArray[np.int64]) -> torch.Tensor:
        """Return the output index of each pool example's class, -1 where the class has not been found."""
        index = {label: output for output, label in enumerate(self.learner.classes)}
        found = [index.get(label, -1) for label in self.split.labels[pool].tolist()]
        return torch.tensor(found, dtype=torch.int64, device=self.learner.device)

    def _of(self, rows: Any) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        return self.split.images[rows], self.split.labels[rows]


def _mean(correct: NDArray[np.bool_]) -> float | None:
    """Return the share of correct predictions, None where there is nothing to predict."""
    return float(correct.mean()) if len(correct) else None
