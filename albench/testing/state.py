"""Whether a strategy keeps what it needs in its memory and nowhere else, and takes ids for names alone."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from albench.contracts.query import Query
from albench.contracts.strategy import Strategy, ranks_sets, selects
from albench.protocols.sets import draw_sets
from albench.rng import stream
from albench.testing.clauses import ContractError
from albench.testing.probes import Probe, ProbeNetwork, make_probe

ROUNDS = 4
ASKED = 3  # examples that each round labels
_ADVICE = (
    "keep what you need with query.remember(name, value), and nothing in the strategy, its class or its module: a "
    "resumed run starts without them"
)


def make_rounds(n: int = ROUNDS, permitted: bool = False) -> list[Probe]:
    """Return the probes of successive rounds: each labels some of the pool's examples and has another network."""
    start = make_probe(n_pool=42, n_novel=0)
    pooled, labeled = torch.arange(len(start.pool)), torch.zeros(0, dtype=torch.int64)
    probes = []
    for number in range(1, n + 1):
        draws = stream(number, "rounds of a probe")
        sets = draw_sets(start.hidden[pooled].numpy(), len(start.sets), start.sets.shape[1], draws)
        assert sets is not None
        shape = (start.pool.shape[1], start.pool.shape[2], start.pool.shape[3])
        probes.append(
            replace(
                start,
                network=ProbeNetwork().build(shape, start.n_classes, draws).eval(),
                pool=start.pool[pooled],
                hidden=start.hidden[pooled],
                labeled=torch.cat([start.labeled, start.pool[labeled]]),
                labels=torch.cat([start.labels, start.hidden[labeled]]),
                sets=torch.from_numpy(sets),
                seed=number,
                permitted=permitted,
                round=number,
                history=torch.cat(
                    [
                        torch.zeros(len(start.labels), dtype=torch.int64),
                        labeled.new_tensor(range(len(labeled))) // ASKED + 1,
                    ]
                ),
                pool_ids=pooled,
                labeled_ids=torch.cat([torch.full((len(start.labels),), -1), labeled]),
            )
        )
        asked = pooled[torch.from_numpy(draws.permutation(len(pooled))[:ASKED])]
        labeled = torch.cat([labeled, asked])
        pooled = pooled[~torch.isin(pooled, asked)]
    return probes


def check_state(strategy: Strategy) -> None:
    """Raise ContractError when a round's answer depends on more than its query and the strategy's memory."""
    probes = make_rounds(permitted=strategy.permission is not None)
    memories: list[Mapping[str, Any]] = [{}]
    answers = []
    for probe in probes:
        scores, memory = _ask(strategy, probe, memories[-1])
        answers.append(scores)
        memories.append(memory)
    for place in (ROUNDS - 1, 1, 2, 0):
        _compare(strategy, probes[place], memories[place], answers[place], memories[place + 1], "asked again")
    for place in range(1, ROUNDS):
        other = fresh(strategy)
        if other is not None:
            _compare(other, probes[place], memories[place], answers[place], memories[place + 1], "in another process")


def check_ids(strategy: Strategy) -> None:
    """Raise ContractError when scores change with the numbers that name the examples."""
    probes = make_rounds(permitted=strategy.permission is not None)
    names = torch.randperm(1000, generator=torch.Generator().manual_seed(3))
    runs = []
    for renamed in (False, True):
        memory: Mapping[str, Any] = {}
        scores: list[Tensor] = []
        for probe in probes:
            assert probe.pool_ids is not None
            assert probe.labeled_ids is not None
            known = torch.where(probe.labeled_ids < 0, probe.labeled_ids, names[probe.labeled_ids.clamp(min=0)])
            case = replace(probe, pool_ids=names[probe.pool_ids], labeled_ids=known) if renamed else probe
            answer, memory = _ask(strategy, case, memory)
            scores.append(answer)
        runs.append(scores)
    for number, (one, other) in enumerate(zip(*runs, strict=True), start=1):
        if not torch.equal(one, other):
            raise ContractError(
                f"in round {number} the scores change when examples get other ids; use ids as names alone, to find an "
                "example again"
            )


def fresh(strategy: Strategy) -> Strategy | None:
    """Return the strategy as a process has it that has just imported its module; None where that cannot be had."""
    cls = type(strategy)
    module = sys.modules.get(cls.__module__)
    path = Path(str(getattr(module, "__file__", "")))
    if cls.__module__ == "__main__":  # which would run the script that asks
        return None
    if module is None or path.suffix != ".py" or not path.is_file() or "<locals>" in cls.__qualname__:
        return None
    copy = types.ModuleType(module.__name__)
    for name in ("__file__", "__package__", "__path__", "__spec__", "__loader__"):
        if hasattr(module, name):
            setattr(copy, name, getattr(module, name))
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), copy.__dict__)  # noqa: S102 - its own source
    found: Any = copy
    for part in cls.__qualname__.split("."):
        found = getattr(found, part)
    fields = {field.name: getattr(strategy, field.name) for field in dataclasses.fields(strategy) if field.init}
    again: Strategy = found(**fields)
    return again


def _ask(strategy: Strategy, probe: Probe, memory: Mapping[str, Any]) -> tuple[Tensor, dict[str, Any]]:
    """Return everything that a strategy answers to a round, one after the other, and what it remembers of the first."""
    answers, memories = [], []
    for view in views(strategy):
        query = replace(probe, memory=memory).query()
        answers.append(view(strategy, query).detach().double().flatten())
        memories.append(query.stored_memory())
    return torch.cat(answers), memories[0]


def views(strategy: Strategy) -> list[Callable[[Strategy, Query], Tensor]]:
    """Return the ways in which protocols may ask a strategy."""
    found: list[Callable[[Strategy, Query], Tensor]] = []
    if ranks_sets(strategy):
        found.append(lambda s, q: s.score_sets(q))
    if selects(strategy):
        found.append(lambda s, q: s.select(q, ASKED))
    return found


def _compare(
    strategy: Strategy, probe: Probe, memory: Mapping[str, Any], scores: Tensor, kept: Mapping[str, Any], when: str
) -> None:
    found, after = _ask(strategy, probe, memory)
    if not torch.equal(found, scores):
        raise ContractError(
            f"{when} about round {probe.round}, with the same query and the same memory, it gives other scores; "
            f"{_ADVICE}"
        )
    if not _same(list(after.items()), list(kept.items())):
        raise ContractError(
            f"{when} about round {probe.round}, with the same query and the same memory, it remembers something else; "
            f"{_ADVICE}"
        )


def _same(one: Sequence[tuple[str, Any]], other: Sequence[tuple[str, Any]]) -> bool:
    if [name for name, _ in one] != [name for name, _ in other]:
        return False
    pairs = zip((value for _, value in one), (value for _, value in other), strict=True)
    return all(torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b for a, b in pairs)
