"""Strategies beside libraries and authors' loops, the same features and posteriors given, by processor time.

pip install .[peers]; pytest benchmarks -k strategies_beside        (about ten minutes on one CPU core)

Selecting 100 of N' features, of width 64 and 20 classes, 400 labelled. Features, logits and posteriors are computed
before; posteriors of dropout networks are in both times. The two take turns, and the least of their turns counts; of
what takes longer than `LONG` a single turn. Ours under 50 ms are listed, not compared.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

import albench
from albench.contracts.query import Query
from albench_strategies import OWN
from benchmarks import table
from benchmarks.clustered import clustered_query, fresh
from benchmarks.peers import PEERS, PICKS, Peer
from benchmarks.timing import in_turn, processor_seconds

SIZES = [2000, 20000]
LONG, TURNS = 5.0, 5  # processor seconds of both; turns of what takes less
SHORT = 0.05  # seconds under which nobody waits for a query
TOLERANCE = 1.1
BESIDE = "Strategies beside libraries and authors' loops: processor seconds of selecting, one thread"
UNDER = f"Strategies whose query takes less than {1000 * SHORT:.0f} ms, milliseconds of selecting {PICKS}"
IN_IMAGES = {"emoc", "mlmoc", "egl", "deepfool", "noise-stability"}  # cost passes of the network, not of its features
REFERENCES = {"random", "oracle-novel", "all-labels"}

pool = cache(clustered_query)


def _ours(label: str, query: Query, k: int) -> Callable[[], Any]:
    return lambda: albench.strategy(label).select(fresh(query), k)


def _turns(works: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the least processor seconds of each work, taking turns where they are not long."""
    first = {name: processor_seconds(work) for name, work in works.items()}
    return first if sum(first.values()) > LONG else in_turn(works, TURNS)


@pytest.mark.parametrize("n_pool", SIZES)
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_strategies_beside_a_peer(peer: Peer, n_pool: int) -> None:
    if peer.needs is not None:
        try:
            importlib.import_module(peer.needs)
        except ImportError as error:
            pytest.skip(f"{peer.who} cannot be imported, which `pip install .[peers]` gives: {error}")
    k, query = peer.part.get(n_pool, PICKS), pool(n_pool)
    row = {"strategy": peer.strategy, "pool": n_pool, "beside": peer.who, "picks": k}
    if k == 0:
        table.add(BESIDE, {**row, "said": f"not timed: {peer.reason}"})
        pytest.skip(peer.reason)
    with threadpool_limits(1):
        found = _turns({"peer": lambda: peer.select(fresh(query), k), "ours": _ours(peer.strategy, query, k)})
    ratio = found["peer"] / found["ours"]
    said = "not slower" if ratio * TOLERANCE >= 1 else "slower" if found["ours"] > SHORT else "under 50 ms"
    row = {**row, "peer": found["peer"], "ours": found["ours"], "peer / ours": ratio, "said": said}
    table.add(BESIDE, row, higher=["peer / ours"])


@pytest.mark.parametrize("n_pool", SIZES)
def test_strategies_under_a_moment(n_pool: int) -> None:
    held = {peer.strategy.partition("[")[0] for peer in PEERS}
    for name in sorted(OWN.keys() - held - IN_IMAGES - REFERENCES):
        query = pool(n_pool)
        seconds = in_turn({name: _ours(name, query, PICKS)}, 3)[name]
        table.add(UNDER, {"strategy": name, "pool": n_pool, "milliseconds": 1000 * seconds})
