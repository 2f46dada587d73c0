"""The loop of one cell: query, label, update, evaluate, record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from albench.contracts.generators import held_to_streams
from albench.contracts.learner import Examples, Learner
from albench.contracts.protocol import Labeled, Protocol
from albench.contracts.query import Query
from albench.contracts.scenario import Split
from albench.contracts.strategy import Strategy
from albench.errors import SettingError, reason
from albench.rng import stream, torch_stream
from albench.running.asking import Answer, ask
from albench.running.measure import Measurement
from albench.store.cell import Checkpoint
from albench.store.rows import NO_QUERY, Row, wrong_value
from albench.study.spec import CellSpec
from albench.training.model import Model

MOST_RECORDED = 1_000_000  # characters of what a protocol records of a round, as JSON


@dataclass
class Loop:
    """A cell under way: what is labelled, what is left, what the network has become, and what was recorded."""

    spec: CellSpec
    split: Split
    model: Model
    labeled: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    memory: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.strategy: Strategy = self.spec.strategy.build()
        self.protocol: Protocol = self.spec.setting.protocol.build()
        self.learner: Learner = self.spec.setting.learner.build()

    def run(self, rounds: int | None, save: Callable[[Loop], None], initial_seconds: float) -> bool:
        """Run the rounds that are missing, saving each; return whether the pool is exhausted."""
        if not self.rows:
            self.labeled = self.split.initial.tolist()
            self.record({**dict.fromkeys(self.protocol.columns), **NO_QUERY}, initial_seconds)
            save(self)
        while rounds is None or len(self.rows) <= rounds:
            if not self.round():
                return True
            save(self)
        return False

    def round(self) -> bool:
        """Query, label what the strategy chose, update the network, evaluate; False when the pool is exhausted."""
        if self.strategy.permission == "all labels":
            return self._all_at_once()
        number = len(self.rows)
        pool = self.pool()
        labels = self.split.labels[pool]
        if self.protocol.rounds(labels) < 1:
            return False
        with held_to_streams("drawing candidate sets"):
            sets = self.protocol.sets(labels, stream(self.spec.seed, "candidate sets", number))
        answer = ask(self.strategy, self.query(pool, sets, number), self.protocol)
        asked = pool[answer.chosen]
        said = self.split.oracle[asked]
        named = said[said >= 0]
        for label in sorted(set(named.tolist()) - set(self.model.classes)):
            self.model.grow(label)
        self.labeled.extend(asked.tolist())
        with held_to_streams("training"), Measurement(self.model.device) as training:
            if len(named):  # of answers that name nothing, nothing is learned
                self.learner.update(self.model, self._named(), len(named), number)
        self.memory = answer.memory
        self.record(self._query_columns(answer, asked), training.seconds)
        return True

    def _all_at_once(self) -> bool:
        """Label the whole pool and train a network of all its classes anew, as a learner that knew all from the start.

        This is the one round of a reference line; False when it is over.
        """
        pool = self.pool()
        if not len(pool):
            return False
        self.labeled.extend(pool.tolist())
        examples = self._named()
        self.model.rebuild()
        for label in sorted(set(examples.labels.tolist()) - set(self.model.classes)):
            self.model.grow(label)
        with held_to_streams("training"), Measurement(self.model.device) as training:
            self.learner.fit(self.model, examples)
        noted = {"permission": self.strategy.permission}
        columns = {**NO_QUERY, **dict.fromkeys(self.protocol.columns), **self._asked(pool), "notes": noted}
        self.record(columns, training.seconds)
        return True

    def pool(self) -> NDArray[np.int64]:
        """Return the rows that can still be queried, in the order of the split's pool."""
        return self.split.pool[~np.isin(self.split.pool, self.labeled)]

    def query(self, pool: NDArray[np.int64], sets: NDArray[np.int64] | None, number: int) -> Query:
        """Return what the strategy sees of a round: inputs, labels of what is labelled, a copy of the network."""
        examples, rows = self._named(), np.asarray(self.labeled, dtype=np.int64)
        is_named = self.split.oracle[rows] >= 0
        return Query(
            network=self.model.snapshot(),
            pool=self.model.prepare(self.split.images[pool]),
            labeled=self.model.prepare(examples.inputs),
            labels=self.model.outputs(examples.labels),
            sets=None if sets is None else torch.from_numpy(sets).to(self.model.device),
            generator=torch_stream(self.spec.seed, "strategy", self.spec.strategy.name, self.strategy.stream, number),
            pool_labels=self._pool_labels(pool) if self.strategy.permission == "pool labels" else None,
            round=number,
            history=self._placed(self._history()[is_named]),
            pool_ids=self._placed(self._ids(pool)),
            labeled_ids=self._placed(self._ids(rows[is_named])),
            memory=self.memory,
        )

    def record(self, query_columns: Row, train_seconds: float) -> None:
        """Evaluate on the test examples and add the round's row; those of undiscovered classes count as errors."""
        with Measurement(self.model.device) as evaluation:
            test = self._test()
            correct = self.model.predict(test.inputs) == test.labels
        is_known = np.isin(test.labels, self.split.known)
        novel = set(self.split.novel)
        name = self.spec.name
        self.rows.append(
            {
                **{part: name[part] for part in ("setting", "scenario", "strategy", "seed")},
                "round": len(self.rows),
                "n_labeled": len(self.labeled),
                "n_rejected": int((self.split.oracle[self.labeled] < 0).sum()),
                "accuracy": float(correct.mean()),
                "accuracy_known": _mean(correct[is_known]),
                "accuracy_novel": _mean(correct[~is_known]),
                "n_classes": len(self.model.classes),
                "n_novel_found": len(novel.intersection(self.model.classes)),
                **query_columns,
                "train_seconds": train_seconds,
                "eval_seconds": evaluation.seconds,
            }
        )

    def outcome(self) -> dict[str, Any]:
        """Return what the network makes of the test examples now: for each class, how many it takes for which.

        `confusion` counts, rows are true and columns predicted classes, both in the order of `classes` (names), the
        known ones first.
        """
        test = self._test()
        classes = [*self.split.known, *self.split.novel]
        predicted = self.model.predict(test.inputs)
        counts = [[int((predicted[test.labels == true] == other).sum()) for other in classes] for true in classes]
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
        self.memory = dict(checkpoint.memory)
        self.model.load(dict(checkpoint.weights), checkpoint.classes)

    def checkpoint(self) -> Checkpoint:
        """Return the cell as the last round left it."""
        model = self.model
        return Checkpoint(list(self.rows), list(self.labeled), list(model.classes), model.weights(), dict(self.memory))

    def _query_columns(self, answer: Answer, asked: NDArray[np.int64]) -> Row:
        split = self.split
        labeled = Labeled(split.labels[asked], split.known, self.model.classes, split.class_names, split.oracle[asked])
        return {
            **NO_QUERY,
            **self._added(self.protocol.record(labeled)),
            "query_seconds": answer.seconds,
            "peak_memory_bytes": answer.peak_memory_bytes,
            **self._asked(asked),
            "notes": dict(answer.notes),
        }

    def _asked(self, rows: NDArray[np.int64]) -> Row:
        """Return what names queried examples."""
        files = self.split.files
        return {
            "query_indices": rows.tolist(),
            "query_files": None if files is None else [files[row] for row in rows.tolist()],
        }

    def _added(self, values: Row) -> Row:
        """Return what the protocol records, held to the columns that it declares."""
        try:
            if len(json.dumps(values, allow_nan=False)) > MOST_RECORDED:
                raise ValueError(f"over {MOST_RECORDED // 10**6} MB")
            added = {name: values[name] for name in self.protocol.columns}
            if wrong := wrong_value([added], self.protocol.columns):
                raise ValueError(wrong.partition(": ")[2])
            return added
        except (KeyError, TypeError, ValueError) as error:
            raise SettingError(
                f"{self.spec.setting.protocol.label} declares the columns {', '.join(self.protocol.columns)}, and "
                f"records what no row can hold ({reason(error)}); record a plain value for each"
            ) from None

    def _history(self) -> NDArray[np.int64]:
        """Return for each labelled example the round that asked for it, 0 for the initial ones."""
        lengths = [len(self.split.initial), *(len(row["query_indices"]) for row in self.rows[1:])]
        return np.repeat(np.arange(len(lengths)), lengths)

    def _ids(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of rows in the seed's shuffled pool, -1 for those of the initial set."""
        order = np.argsort(self.split.pool)
        place = np.searchsorted(self.split.pool, rows, sorter=order).clip(max=len(order) - 1)
        ids = order[place]
        return np.where(self.split.pool[ids] == rows, ids, -1)

    def _pool_labels(self, pool: NDArray[np.int64]) -> torch.Tensor:
        """Return the output index of each pool example's class, -1 where the class has not been found."""
        index = {label: output for output, label in enumerate(self.model.classes)}
        found = [index.get(label, -1) for label in self.split.labels[pool].tolist()]
        return torch.tensor(found, dtype=torch.int64, device=self.model.device)

    def _placed(self, numbers: NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(numbers).to(self.model.device)

    def _named(self) -> Examples:
        """Return the labelled examples as the oracle named them, without those that it could not name."""
        rows = np.asarray(self.labeled, dtype=np.int64)
        rows = rows[self.split.oracle[rows] >= 0]
        return Examples(self.split.images[rows], self.split.oracle[rows])

    def _test(self) -> Examples:
        return Examples(self.split.images[self.split.test], self.split.labels[self.split.test])


def _mean(correct: NDArray[np.bool_]) -> float | None:
    """Return the share of correct predictions, None where there is nothing to predict."""
    return float(correct.mean()) if len(correct) else None
