"""Whether a strategy can find the pool's labels: it is asked twice, and only what it must not see differs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from albench import rng
from albench.contracts.query import Query
from albench.contracts.scenario import Scenario, Split
from albench.contracts.strategy import Strategy, has_score, ranks_sets
from albench.testing.clauses import ContractError
from albench.testing.probes import Probe


@dataclass
class Round:
    """Holds what the harness holds while it asks: the split with all labels, and the strategy."""

    split: Split
    strategy: Strategy

    def ask(self, query: Query, view: str) -> Tensor:
        """Ask with the labels in reach of whoever looks at callers' variables or at live objects."""
        split = self.split  # a local variable, as a harness may have
        answer: Tensor = getattr(self.strategy, view)(query)
        assert split is self.split
        return answer


def check_labels_unreachable(strategy: Strategy, probe: Probe) -> None:
    """Raise ContractError when scores change with the pool's true labels, or come from the harness's own streams."""
    wrong = replace(probe, hidden=(probe.hidden + 1) % (int(probe.hidden.max()) + 1))
    for view in ("score_sets",) * ranks_sets(strategy) + ("score",) * has_score(strategy):
        answers = []
        for case in (probe, wrong):
            cell, query = Round(_split(case), strategy), case.query()
            with _no_side_doors():
                answers.append(cell.ask(query, view))
        if not torch.equal(*answers):
            raise ContractError(
                f"{view}: the scores change when only the pool's true labels do, so it reaches them by a back door; "
                "use nothing but what Query offers"
            )


def _split(probe: Probe) -> Split:
    images = torch.cat([probe.labeled, probe.pool])
    pixels = (images + 128).clamp(0, 255).to(torch.uint8).numpy()
    labels = torch.cat([probe.labels, probe.hidden]).numpy()
    first = len(probe.labeled)
    return Split(
        images=pixels,
        labels=labels,
        initial=np.arange(first),
        pool=np.arange(first, len(images)),
        test=np.arange(first, len(images)),
        class_names=[str(label) for label in range(int(labels.max()) + 1)],
        known=list(range(probe.n_classes)),
    )


@contextmanager
def _no_side_doors() -> Iterator[None]:
    """Raise ContractError when the block splits a scenario or draws from a stream of the harness."""
    found: list[str] = []

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and not found:
            if frame.f_code is rng.stream.__code__ or frame.f_code is rng.torch_stream.__code__:
                found.append("it draws from albench's streams, which would repeat the split; draw from query.generator")
            elif frame.f_code.co_name == "split" and isinstance(frame.f_locals.get("self"), Scenario):
                found.append(
                    "it splits a scenario, which gives it the pool's labels; use nothing but what Query offers"
                )

    with _profiled(watch):
        yield
    if found:
        raise ContractError(found[0])


@contextmanager
def _profiled(watch: Callable[[FrameType, str, Any], None]) -> Iterator[None]:
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(before)
