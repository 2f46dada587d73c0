"""Comparing what a strategy answers to two forms of the same round, exactly or, where it draws, on average."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from albench.contracts.query import Query
from albench.contracts.strategy import Strategy, has_score, ranks_sets
from albench.testing.clauses import ContractError
from albench.testing.probes import Probe

TOLERANCE = 1e-3  # of the largest score: other shapes of a matrix product round differently in float32
SEEDS = 24
SIGMAS = 7.0  # of a difference of means over SEEDS draws; chance reaches it once in about 100,000 clauses

View = Callable[[Strategy, Query], Tensor]


def score_sets(strategy: Strategy, query: Query) -> Tensor:
    """Return the scores of the sets in float64."""
    return strategy.score_sets(query).detach().cpu().double()


def score(strategy: Strategy, query: Query) -> Tensor:
    """Return the scores of the pool's examples in float64."""
    return strategy.score(query).detach().cpu().double()


VIEWS: dict[str, View] = {"score_sets": score_sets, "score": score}


def draws(strategy: Strategy, view: View, probe: Probe) -> bool:
    """Return whether the strategy draws from the query's generator."""
    query = probe.query()
    before = query.generator.get_state()
    view(strategy, query)
    return not torch.equal(before, query.generator.get_state())


def difference(
    strategy: Strategy, view: View, first: Probe, second: Probe, undo: Callable[[Tensor], Tensor] = lambda x: x
) -> str | None:
    """Return where the answers to two forms of a round differ, None where they agree.

    `undo` brings the second answer into the first one's order. A strategy that draws may give another draw in another
    form; then the means over many seeds must agree.
    """
    one, other = view(strategy, first.query()), undo(view(strategy, second.query()))
    place = int((one - other).abs().argmax()) if one.shape == other.shape else 0
    if agree(one, other):
        return None
    if one.shape == other.shape and draws(strategy, view, first):
        seeds = range(first.seed + 1, first.seed + 1 + SEEDS)
        ones = torch.stack([view(strategy, replace(first, seed=seed).query()) for seed in seeds])
        others = torch.stack([undo(view(strategy, replace(second, seed=seed).query())) for seed in seeds])
        gap = (ones.mean(dim=0) - others.mean(dim=0)).abs()
        spread = ((ones.var(dim=0) + others.var(dim=0)) / SEEDS).sqrt()
        excess = gap - SIGMAS * spread - TOLERANCE * ones.abs().amax()
        place = int(excess.argmax())
        if float(excess[place]) <= 0:
            return None
        one, other = ones.mean(dim=0), others.mean(dim=0)
    if one.shape != other.shape:
        return f"the answer's shape goes from {tuple(one.shape)} to {tuple(other.shape)}"
    return f"the score at index {place} goes from {float(one[place]):.6g} to {float(other[place]):.6g}"


def agree(one: Tensor, other: Tensor) -> bool:
    """Return whether two answers are the same up to rounding."""
    if one.shape != other.shape:
        return False
    if not one.numel():
        return True
    scale = float(torch.maximum(one.abs().amax(), other.abs().amax()))
    return bool(((one - other).abs() <= TOLERANCE * scale + 1e-12).all())


def require_same(strategy: Strategy, first: Probe, second: Probe, advice: str, only: str | None = None) -> None:
    """Raise ContractError, closing with `advice`, when a view of the strategy differs between two forms of a round."""
    for name, view in VIEWS.items():
        can = has_score(strategy) if name == "score" else ranks_sets(strategy)
        if only in (None, name) and can:
            found = difference(strategy, view, first, second)
            if found:
                raise ContractError(f"{name}: {found}; {advice}")
