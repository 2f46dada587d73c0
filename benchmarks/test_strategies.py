"""Every strategy in units of a forward pass over the pool; BADGE and EGL beside their usual loops, in one run.

pytest benchmarks/test_strategies.py                     (about half an hour on one CPU core, most of it the SLOW ones)
pytest benchmarks/test_strategies.py -k "2000 and not 20000"
ALBENCH_RECORD=1 pytest benchmarks/test_strategies.py    also writes docs/strategies/measured.json
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import albench
from albench.contracts.query import Query
from albench.testing import make_query
from albench_strategies import OWN
from benchmarks import table

NAMES = sorted(OWN)
SLOW = {"emoc", "mlmoc", "egl", "deepfool", "bait", "noise-stability"}  # over ten forward passes; pages say why
SIZES = [2000, 20000]
AT_20000 = {name: f"{name}[expectation=1000]" for name in ("emoc", "mlmoc")}  # all images x would take hours
LIMIT = 10.0
MEASURED = Path(__file__).parent.parent / "docs" / "strategies" / "measured.json"
TITLE = "Strategies: CPU seconds, and forward passes over the pool, of valuing 1,000 sets of 25 (one thread)"
LOOPS = "BADGE and EGL beside their usual loop implementations, one thread"


@cache
def _base(n_pool: int) -> Query:
    return make_query(n_pool=n_pool, n_labeled=1000, n_classes=20, n_sets=1000, set_size=25)


def _fresh(n_pool: int) -> Query:
    """Return a query that has computed nothing yet."""
    base = _base(n_pool)
    hidden = torch.randint(-1, 20, (n_pool,), generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(0)
    return Query(base.network, base.pool, base.labeled, base.labels, base.sets, generator, hidden)


def _seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@cache
def _forward_seconds(n_pool: int) -> float:
    _fresh(n_pool)
    return min(_seconds(lambda: _fresh(n_pool).logits) for _ in range(3))


@pytest.mark.parametrize("n_pool", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_strategy_in_forward_passes(benchmark: Any, name: str, n_pool: int) -> None:
    label = AT_20000.get(name, name) if n_pool > 2000 else name
    strategy, query = albench.strategy(label), _fresh(n_pool)
    forward, found = _forward_seconds(n_pool), []
    benchmark.pedantic(lambda: found.append(_seconds(lambda: strategy.score_sets(query))), rounds=1, iterations=1)
    ratio = found[0] / forward
    benchmark.extra_info.update(cpu_seconds=found[0], forward_passes=ratio)
    table.add(TITLE, {"strategy": label, "pool": n_pool, "seconds": found[0], "forward passes": ratio})
    if os.environ.get("ALBENCH_RECORD") and n_pool == 2000:
        known = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
        text = json.dumps({**known, name: round(ratio, 1)}, indent=1, sort_keys=True)
        MEASURED.write_text(text + "\n", encoding="utf-8")
    assert ratio <= LIMIT or name in SLOW


def _badge_by_loops(query: Query, k: int) -> Tensor:
    """BADGE as it is usually written: an embedding built example by example, k-means++ on the built embeddings."""
    rows = []
    for feature, p in zip(query.features, query.probabilities, strict=True):
        best = int(p.argmax())
        blocks = [feature * (p[c] - (1.0 if c == best else 0.0)) for c in range(len(p))]
        rows.append(torch.cat(blocks))
    embedding = torch.stack(rows)
    chosen = [int(embedding.norm(dim=1).argmax())]
    gains = torch.full((len(embedding),), torch.inf)
    while len(chosen) < k:
        gains = gains.minimum((embedding - embedding[chosen[-1]]).square().sum(dim=1))
        chosen.append(int(torch.multinomial(gains, 1, generator=query.generator)))
    return torch.tensor(chosen)


def _egl_by_loops(query: Query, images: Tensor, n_timed: int) -> list[float]:
    """Expected gradient length as it is usually written: a forward pass for the batch, and through its graph a
    backward pass for each example and label.

    Returns the lengths of the first `n_timed` examples.
    """
    weights = list(query.network.parameters())
    logits = query.network(images)
    p = torch.softmax(logits.detach(), dim=1)
    lengths = [0.0] * n_timed
    for label in range(query.n_classes):
        loss = F.cross_entropy(logits, torch.full((len(images),), label), reduction="none")
        for k in range(n_timed):
            parts = torch.autograd.grad(loss[k], weights, retain_graph=True)
            lengths[k] += float(p[k, label]) * float(torch.cat([part.flatten() for part in parts]).norm())
    return lengths


def test_badge_beside_its_loop(benchmark: Any) -> None:
    query = _fresh(2000)
    assert query.probabilities.shape  # the forward pass is common to both
    loop = _seconds(lambda: _badge_by_loops(query, 25))
    fast = min(_seconds(lambda: albench.strategy("badge").select(query, 25)) for _ in range(3))
    benchmark.pedantic(lambda: albench.strategy("badge").select(query, 25), rounds=3)
    table.add(LOOPS, {"strategy": "badge, select 25 of 2,000", "loop": loop, "ours": fast, "times faster": loop / fast})


@pytest.mark.parametrize(("batch", "n_timed"), [(50, 2), (1, 1)], ids=["batches of 50", "batches of one"])
def test_egl_beside_its_loop(benchmark: Any, batch: int, n_timed: int) -> None:
    """Batches of 50 are the default of published code; with batches of one the same loop wastes least."""
    query = _fresh(2000)
    expected: list[float] = []
    starts = range(0, 20 * batch, batch) if batch == 1 else [0]
    loop = _seconds(lambda: [expected.extend(_egl_by_loops(query, query.pool[i : i + batch], n_timed)) for i in starts])
    few = Query(query.network, query.pool[:200], query.labeled, query.labels, None, query.generator)
    found: list[float] = []
    scores: list[Tensor] = []
    benchmark.pedantic(
        lambda: found.append(_seconds(lambda: scores.append(albench.strategy("egl").score(few)))), rounds=1
    )
    torch.testing.assert_close(scores[0][: len(expected)], torch.tensor(expected), rtol=1e-3, atol=0)
    each, ours = loop / len(expected), found[0] / len(few.pool)
    row = {"strategy": f"egl, an image; loop in batches of {batch}", "loop": each, "ours": ours}
    table.add(LOOPS, {**row, "times faster": each / ours})
