"""What `fisher=binary` spares BAIT, and what it gives away: by numbers of classes and features, one thread.

The trace left is that of the exact information, in percent of that before any pick, as in `benchmarks/bait.py`; lower
is better. Where its dense matrices would take minutes it is left out.
"""

from __future__ import annotations

import pytest
import torch

import albench
from benchmarks import bait, table
from benchmarks.clustered import clustered_query, fresh
from benchmarks.timing import processor_seconds

N_POOL, PICKS = 2000, 20
DENSE = 1280  # rows of the matrices from which the trace is computed
TITLE = f"Strategies: bait, its exact form beside fisher=binary, processor seconds of selecting {PICKS} of {N_POOL:,}"


@pytest.mark.parametrize(("n_classes", "width"), [(10, 64), (20, 64), (40, 64), (10, 256)])
def test_strategies_bait_exact_beside_binary(n_classes: int, width: int) -> None:
    query = clustered_query(N_POOL, n_classes, width)
    seconds, left = {}, {}
    loop = bait.Loop(query, PICKS) if n_classes * width <= DENSE else None
    for name, label in (("full", "bait"), ("binary", "bait[fisher=binary]"), ("random", "random")):
        picks: list[int] = []
        seconds[name] = processor_seconds(lambda: picks.extend(albench.strategy(label).select(fresh(query), PICKS)))  # noqa: B023
        left[name] = None if loop is None else loop.trace(torch.tensor(picks).tolist())
    table.add(
        TITLE,
        {
            "classes": n_classes,
            "features": width,
            "full": seconds["full"],
            "binary": seconds["binary"],
            "full / binary": seconds["full"] / seconds["binary"],
            **{f"% left by {name}": value for name, value in left.items()},
        },
    )
