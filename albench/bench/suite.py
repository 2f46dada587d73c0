"""What `albench bench` measures, as pytest-benchmark tests; see `albench.bench.session` for its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
import torch
from torch import Tensor

from albench.bench.queries import fresh, make_benchmark_query
from albench.bench.size import FORWARD, Size
from albench.contracts.query import Query
from albench.plugins.host import host
from albench.products.choice import chosen
from albench.products.matmul import usable, use
from albench.protocols.discovery import Discovery
from albench.running.asking import ask
from albench.running.mode import settings_kept

PATIENCE_SECONDS = 20.0  # a strategy that takes longer is measured once


@pytest.fixture(scope="session")
def base(size: Size) -> Iterator[Query]:
    """Return the query that all are asked, on the threads that were wanted."""
    with settings_kept():
        torch.set_num_threads(size.threads)
        use(usable(chosen()))
        yield make_benchmark_query(size)


@pytest.mark.benchmark(group="score_sets", disable_gc=True)
def test_forward_pass(benchmark: Any, base: Query, size: Size) -> None:
    """Measure the bare forward pass over the pool that every strategy of the posterior needs."""
    benchmark.extra_info.update(strategy=FORWARD, peak_memory_bytes=None, notes={}, **asdict(size))
    _measure(benchmark, lambda query: query.logits, base, size.rounds)


@pytest.mark.benchmark(group="score_sets", disable_gc=True)
def test_score_sets(benchmark: Any, strategy: str, base: Query, size: Size) -> None:
    """Measure a strategy's scores of all candidate sets; an untimed question first checks its contract."""
    configured = host().configure("strategies", strategy)
    answer = ask(configured, fresh(base, strategy), Discovery(n_sets=size.sets, set_size=size.set_size))
    benchmark.extra_info.update(
        strategy=strategy, peak_memory_bytes=answer.peak_memory_bytes, notes=dict(answer.notes), **asdict(size)
    )
    rounds = size.rounds if answer.seconds < PATIENCE_SECONDS else 1
    _measure(benchmark, configured.score_sets, base, rounds, strategy)


def _measure(benchmark: Any, score: Callable[[Query], Tensor], base: Query, rounds: int, name: str = FORWARD) -> None:
    def target(query: Query) -> None:
        score(query)
        if query.device.type == "cuda":
            torch.cuda.synchronize(query.device)

    # A query keeps what it computed, so that each round gets one of its own.
    benchmark.pedantic(target, setup=lambda: ((fresh(base, name),), {}), rounds=rounds, warmup_rounds=0)
