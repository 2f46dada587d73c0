"""The clauses of a strategy's contract, one function each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from albench.contracts.answers import check_scores, check_selection
from albench.contracts.strategy import Strategy, has_score, ranks_sets, selects
from albench.errors import AlbenchError, StrategyError
from albench.running.asking import own_draws, unchanged_data, unchanged_network
from albench.running.measure import Measurement
from albench.testing.clauses import Budget, Clause, ContractError, NotApplicableError, check_round_trip, entering
from albench.testing.comparing import VIEWS, difference, draws, require_same, score, score_sets
from albench.testing.labels import check_labels_unreachable
from albench.testing.probes import Probe, make_probe
from albench.testing.randomness import check_global_state, only_draws
from albench.testing.state import check_ids, check_state, views

IMPURE = ["own-randomness", "deterministic", "memory"]  # what breaks these shows wherever two answers are compared
TINY = {"n_labeled": 4, "n_classes": 2, "n_novel": 0, "n_sets": 1}
STRATEGY_CLAUSES: list[Clause] = []

_clause = entering(STRATEGY_CLAUSES)


def _probe(strategy: Strategy, **shape: int) -> Probe:
    return replace(make_probe(**shape), permitted=strategy.permission == "pool labels")  # type: ignore[arg-type]


def _views(strategy: Strategy) -> Iterator[tuple[str, str]]:
    if ranks_sets(strategy):
        yield "score_sets", "candidate set"
    if has_score(strategy):
        yield "score", "pool example"


def _answers(strategy: Strategy, probe: Probe) -> list[tuple[Any, int, torch.device, str, str]]:
    found = []
    for method, of_what in _views(strategy):
        query = probe.query()
        n = len(probe.sets) if method == "score_sets" else len(probe.pool)
        found.append((getattr(strategy, method)(query), n, query.device, method, of_what))
    return found


def _check_answers(strategy: Strategy, probe: Probe) -> None:
    """Raise StrategyError unless every view answers this round with finite numbers of the right shape."""
    for answer in _answers(strategy, probe):
        check_scores(*answer)


def _check_selection(strategy: Strategy, probe: Probe, k: int) -> None:
    """Raise StrategyError unless it selects k examples; one that ranks sets alone is told so by `shapes`."""
    if selects(strategy):
        check_selection(strategy.select(probe.query(), k), k, len(probe.pool))


@_clause("Scores are one number a set and one an example; a selection is k different pool indices")
def _shapes(strategy: Strategy, _: Budget) -> None:
    if not selects(strategy):
        raise ContractError(
            f"{type(strategy).__name__} has no score(query); define it, one number a pool example, so that protocols "
            "without candidate sets can use it"
        )
    probe = _probe(strategy)
    for method, n in (("score_sets", len(probe.sets)), ("score", len(probe.pool))):
        if method not in dict(_views(strategy)):
            continue
        scores: Any = getattr(strategy, method)(probe.query())
        if not isinstance(scores, Tensor) or tuple(scores.shape) != (n,):
            found = str(tuple(scores.shape)) if isinstance(scores, Tensor) else type(scores).__name__
            raise ContractError(f"{method}(query) must return a tensor of shape ({n},); it returned {found}")
    _check_selection(strategy, probe, 5)


@_clause("A selection needs no candidate sets")
def _without_sets(strategy: Strategy, _: Budget) -> None:
    if not selects(strategy):
        raise NotApplicableError("it ranks candidate sets alone")
    probe = replace(_probe(strategy), sets=None)  # type: ignore[arg-type]
    check_selection(strategy.select(probe.query(), 5), 5, len(probe.pool))


@_clause("No score is NaN or infinite")
def _finite(strategy: Strategy, _: Budget) -> None:
    for seed in range(3):
        _check_answers(strategy, _probe(strategy, seed=seed))


@_clause("No global random generator is drawn from, seeded or looked at")
def _own_randomness(strategy: Strategy, _: Budget) -> None:
    def ask() -> Tensor:
        return torch.cat([view(strategy, _probe(strategy).query()).double().flatten() for view in views(strategy)])

    with only_draws(), own_draws():
        ask()
        _check_selection(strategy, _probe(strategy), 3)
    check_global_state(ask)


@_clause("The same round gives the same bits, whatever was asked in between", after=["own-randomness"])
def _deterministic(strategy: Strategy, _: Budget) -> None:
    probe, other = _probe(strategy), _probe(strategy, seed=1, n_classes=5)
    for name, _of_what in _views(strategy):
        first = VIEWS[name](strategy, probe.query())
        VIEWS[name](strategy, other.query())
        again = VIEWS[name](strategy, probe.query())
        if not torch.equal(first, again):
            raise ContractError(
                f"{name}: the same round gives other scores when it is asked again; draw from query.generator alone, "
                "and keep nothing in the strategy or its module between rounds"
            )


@_clause(
    "The same query and the same memory give the same bits, in a process that has seen no other round too",
    after=["own-randomness", "deterministic"],
)
def _memory(strategy: Strategy, _: Budget) -> None:
    check_state(strategy)


@_clause("What names an example says nothing else about it: other ids give the same scores", after=IMPURE)
def _ids(strategy: Strategy, _: Budget) -> None:
    check_ids(strategy)


@_clause("The network keeps its weights, its layers and its mode")
def _network_unchanged(strategy: Strategy, _: Budget) -> None:
    query = _probe(strategy).query()
    with unchanged_network(query):
        for view in views(strategy):
            view(strategy, query)


@_clause("Images, labels and candidate sets are left as they were, and what the query caches too")
def _data_unchanged(strategy: Strategy, _: Budget) -> None:
    probe = _probe(strategy)
    before, query = probe.copy(), probe.query()
    cached = {"features": query.features, "logits": query.logits, "probabilities": query.probabilities}
    kept = {name: value.clone() for name, value in cached.items()}
    with unchanged_data(query):
        for view in views(strategy):
            view(strategy, query)
    wrong = [name for name in ("pool", "labeled", "labels", "sets") if not _same(probe, before, name)]
    wrong += [name for name, value in cached.items() if not torch.equal(value, kept[name])]
    if wrong:
        raise ContractError(f"it changed query.{wrong[0]} in place; work on a copy (query.{wrong[0]}.clone())")


def _same(probe: Probe, before: Probe, name: str) -> bool:
    return torch.equal(getattr(probe, name), getattr(before, name))


@_clause("Scores are the same whatever the pool's true labels are", after=IMPURE)
def _labels_unreachable(strategy: Strategy, _: Budget) -> None:
    if strategy.permission == "pool labels":
        raise NotApplicableError("it asks for the permission 'pool labels', which every round of its results notes")
    check_labels_unreachable(strategy, make_probe())


@_clause("The order of the pool changes no score and no selection", after=IMPURE)
def _pool_order(strategy: Strategy, _: Budget) -> None:
    probe = _probe(strategy)
    order = torch.randperm(len(probe.pool), generator=torch.Generator().manual_seed(7))
    place = torch.argsort(order)
    advice = "compute it from what an example is, never from its place in query.pool"
    found = None
    if ranks_sets(strategy):
        found = difference(strategy, score_sets, probe, probe.shuffled(order))
    if not found and has_score(strategy):
        found = difference(strategy, score, probe, probe.shuffled(order), lambda scores: scores[place])
    if not found and selects(strategy) and not draws(strategy, lambda s, q: s.select(q, 4), probe):
        first = set(strategy.select(probe.query(), 4).tolist())
        second = set(order[strategy.select(probe.shuffled(order).query(), 4)].tolist())
        found = f"select picks {sorted(first)}, then {sorted(second)}" if first != second else None
    if found:
        raise ContractError(f"with the pool in another order {found}; {advice}")


@_clause("The number of images that go through the network at once changes no score", after=IMPURE)
def _batch_size(strategy: Strategy, _: Budget) -> None:
    probe = _probe(strategy)
    advice = (
        "take query.features or give the network query.batch_size images at once, in eval mode, and compute nothing "
        "from one batch that another one needs"
    )
    for size in (1, 7):
        require_same(
            strategy, probe, replace(probe, batch_size=size), f"that is with query.batch_size={size}; {advice}"
        )


@_clause("A set's score does not depend on the other candidate sets", after=IMPURE)
def _other_sets(strategy: Strategy, _: Budget) -> None:
    if not ranks_sets(strategy):
        raise NotApplicableError("it ranks no candidate sets")
    probe = _probe(strategy)
    advice = "value each candidate set by itself: the others' overlap with it would give classes away"
    everything = range(len(probe.sets))
    for index in (0, len(probe.sets) // 2):
        rest = [other for other in everything if other != index][::-1]
        for kept in ([index], [index, *rest[:2]], [index, index, *rest]):
            found = difference(
                strategy,
                lambda s, q: score_sets(s, q)[:1],
                replace(probe, sets=probe.sets[[index, *rest]]),
                replace(probe, sets=probe.sets[kept]),
            )
            if found:
                raise ContractError(f"among other candidate sets {found}; {advice}")


@_clause("A pool of one example, in one candidate set, gets a finite score")
def _one_candidate(strategy: Strategy, _: Budget) -> None:
    probe = _probe(strategy, n_pool=1, set_size=1, **TINY)
    _check_answers(strategy, probe)
    _check_selection(strategy, probe, 1)


@_clause("A network with a single output gets finite scores")
def _one_class(strategy: Strategy, _: Budget) -> None:
    probe = _probe(strategy, n_classes=1, n_novel=2)
    _check_answers(strategy, probe)
    _check_selection(strategy, probe, 3)


@_clause("A pool smaller than k is selected whole")
def _small_pool(strategy: Strategy, _: Budget) -> None:
    probe = _probe(strategy, n_pool=4, set_size=2, **TINY)
    _check_answers(strategy, probe)
    _check_selection(strategy, probe, 9)


@_clause("Constant features, duplicates and one-hot posteriors give finite scores, or one sentence that says why not")
def _degenerate_input(strategy: Strategy, _: Budget) -> None:
    probe = _probe(strategy)
    constant = replace(probe, pool=torch.zeros_like(probe.pool), labeled=torch.zeros_like(probe.labeled))
    doubled = replace(probe, pool=probe.pool[torch.arange(len(probe.pool)) // 12 * 12])
    sharp = replace(probe, pool=probe.pool * 1e4, labeled=probe.labeled * 1e4)
    cases = {"constant images": constant, "duplicate images": doubled, "a posterior that is exactly one-hot": sharp}
    for what, case in cases.items():
        try:
            answers = _answers(strategy, case)
        except AlbenchError:
            continue  # it says why not
        try:
            for answer in answers:
                check_scores(*answer)
        except StrategyError as error:
            raise ContractError(
                f"with {what}, {error}; bound the divisor, or raise StrategyError with a sentence"
            ) from error
        _check_selection(strategy, case, 5)


@_clause("Its parameters survive being written as text and as JSON")
def _text_round_trip(strategy: Strategy, _: Budget) -> None:
    check_round_trip(strategy)


@_clause("Asking about 400 examples and 50 sets stays within the budget of processor time and memory")
def _within_budget(strategy: Strategy, budget: Budget) -> None:
    query = _probe(strategy, n_pool=400, n_labeled=60, n_sets=50, set_size=10).query()
    start = time.process_time()
    with Measurement(query.device) as cost:
        views(strategy)[0](strategy, query)
    seconds = time.process_time() - start
    if seconds > budget.cpu_seconds:
        raise ContractError(
            f"400 examples took {seconds:.1f} s of processor time, and the budget is {budget.cpu_seconds:g}; "
            "replace loops over examples by tensor operations"
        )
    if cost.peak_memory_bytes is not None and cost.peak_memory_bytes > budget.memory_bytes:
        raise ContractError(
            f"400 examples took {cost.peak_memory_bytes / 1e6:.0f} MB, and the budget is "
            f"{budget.memory_bytes / 1e6:.0f}; go through the pool in parts"
        )
