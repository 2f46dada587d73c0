"""Processor seconds, and works timed in turn, so that what else the machine does falls on all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

Work = Callable[[], Any]


def processor_seconds(work: Work) -> float:
    """Return the processor time of one execution in this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def in_turn(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Return the best processor seconds of each work over some rounds, in each of which all run one after the other.

    A round before them is not counted: libraries load and choose their kernels in it.
    """
    for work in works.values():
        work()
    found = [{name: processor_seconds(work) for name, work in works.items()} for _ in range(rounds)]
    return {name: min(one[name] for one in found) for name in works}
