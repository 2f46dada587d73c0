"""One function for all tiers: which path scores a query is chosen by device, tolerance and counted cost."""

from __future__ import annotations

import torch
from torch import Tensor

from albench import Query, StrategyError
from albench_strategies.emoc.autograd import autograd_scores
from albench_strategies.emoc.exact import exact_scores
from albench_strategies.emoc.lowrank import low_rank_scores
from albench_strategies.emoc.problem import Problem
from albench_strategies.numerics.gradients.recorder import Recorder


def pair_scores(
    query: Query,
    images: Tensor,
    examples: Tensor,
    labels: Tensor,
    softmax: bool = False,
    linear_only: bool = False,
    tolerance: float = 0.0,
    path: str = "structured",
    precision: str = "tf32",
) -> Tensor:
    """Return mean over x of || J_x grad L(x', y) ||_1 for each pair of a pool example x' and a label y, (n,).

    `images` are the x, (N, C, H, W); `examples` rows of the pool and `labels` classes, int64, (n,). The rms relative
    error is at most `tolerance`, as measured on pairs drawn from the query's generator; 0 asks for exact scores. The
    rank that was used ("exact" without one) and the measured error are noted. Raises StrategyError for a network that
    the path does not know or whose outputs are not finite.
    """
    if len(examples) == 0:
        return query.pool.new_empty(0)
    if path == "autograd":
        scores = autograd_scores(query.network, images, query.pool, examples, labels, softmax, linear_only)
        return _noted(query, scores, "autograd", 0.0)
    recorder = Recorder(query.network, linear_only)
    problem = Problem(recorder, images, query.pool, examples, labels, softmax, precision)
    estimate = low_rank_scores(problem, tolerance, query.generator) if tolerance > 0 else None
    if estimate is None:
        return _noted(query, exact_scores(problem), "exact", 0.0)
    return _noted(query, estimate.scores, estimate.rank, estimate.error)


def _noted(query: Query, scores: Tensor, rank: int | str, error: float) -> Tensor:
    if not bool(torch.isfinite(scores).all()):
        raise StrategyError("EMOC scores are not finite: the network's gradients overflow; lower its learning rate")
    query.note("emoc_rank", rank)
    query.note("emoc_rms_error", error)
    if not bool(scores.any()):
        query.note("warning", "all EMOC scores are 0: no weight would change an output; the first set was chosen")
    return scores
