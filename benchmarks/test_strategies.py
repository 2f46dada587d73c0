"""Every strategy in units of a forward pass over the pool; BADGE and EGL beside their usual loops, in one run.

pytest benchmarks/test_strategies.py                     (about 5 minutes on one CPU core)
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
from albench.plugins import host
from albench.testing import make_query
from benchmarks import table

NAMES = [entry.name for entry in host().all_entries(["strategies"]) if entry.plugin.name == "albench_strategies"]
SLOW = {"emoc", "egl", "deepfool", "bait"}  # more than ten forward passes; their pages say why
SIZES = [2000, 20000]
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
    if name in SLOW and n_pool > 2000:
        pytest.skip("its cost grows with the pool, and is measured on the smaller one")
    strategy, query = albench.strategy(name), _fresh(n_pool)
    forward, found = _forward_seconds(n_pool), []
    benchmark.pedantic(lambda: found.append(_seconds(lambda: strategy.score_sets(query))), rounds=1, iterations=1)
    ratio = found[0] / forward
    benchmark.extra_info.update(cpu_seconds=found[0], forward_passes=ratio)
    table.add(TITLE, {"strategy": name, "pool": n_pool, "seconds": found[0], "forward passes": ratio})
    if os.environ.get("ALBENCH_RECORD") and n_pool == 2000:
        known = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
        text = json.dumps({**known, name: round(ratio, 1)}, indent=1, sort_keys=True)
        MEASURED.write_text(text + "\n", encoding="utf-8")


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


def _egl_by_loops(query: Query, n_images: int) -> Tensor:
    """Expected gradient length as it is usually written: a backward pass for each example and label."""
    weights = list(query.network.parameters())
    lengths = []
    for image in query.pool[:n_images]:
        logits = query.network(image[None])
        p = torch.softmax(logits.detach(), dim=1)[0]
        total = 0.0
        for label in range(query.n_classes):
            loss = F.cross_entropy(logits, torch.tensor([label]))
            parts = torch.autograd.grad(loss, weights, retain_graph=True)
            total += float(p[label]) * float(torch.cat([part.flatten() for part in parts]).norm())
        lengths.append(total)
    return torch.tensor(lengths)


def test_badge_beside_its_loop(benchmark: Any) -> None:
    query = _fresh(2000)
    assert query.probabilities.shape  # the forward pass is common to both
    loop = _seconds(lambda: _badge_by_loops(query, 25))
    fast = min(_seconds(lambda: albench.strategy("badge").select(query, 25)) for _ in range(3))
    benchmark.pedantic(lambda: albench.strategy("badge").select(query, 25), rounds=3)
    table.add(LOOPS, {"strategy": "badge, select 25 of 2,000", "loop": loop, "ours": fast, "times faster": loop / fast})


def test_egl_beside_its_loop(benchmark: Any) -> None:
    query, n_images = _fresh(2000), 40
    loop = _seconds(lambda: _egl_by_loops(query, n_images))
    expected = _egl_by_loops(query, 3)
    found: list[float] = []
    few = Query(query.network, query.pool[:400], query.labeled, query.labels, None, query.generator)
    scores: list[Tensor] = []
    benchmark.pedantic(
        lambda: found.append(_seconds(lambda: scores.append(albench.strategy("egl").score(few)))), rounds=1
    )
    torch.testing.assert_close(scores[0][:3], expected, rtol=1e-3, atol=0)
    each, ours = loop / n_images, found[0] / 400
    table.add(LOOPS, {"strategy": "egl, an image", "loop": each, "ours": ours, "times faster": each / ours})
