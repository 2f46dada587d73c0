"""Weighted k-means over feature vectors, deterministic, and the examples that stand for its centres."""

from __future__ import annotations

import torch
from torch import Tensor

from albench.products import add_inner, inner
from albench_strategies.numerics.geometry import CHUNK_ELEMENTS, Cloud, farthest_first, nearest, square_distances

START_CANDIDATES = 16
TAKEN_AT_ONCE = 4  # of the candidates: drawing new ones costs as much as a look at these
BLOCK_ELEMENTS = 1 << 17  # of a block of distances, so that it stays in a cache


def kmeans(points: Tensor, k: int, weights: Tensor | None = None, iterations: int = 20) -> tuple[Tensor, Tensor]:
    """Return centres, (at most k, d), and each point's centre, (n,), of weighted k-means by Lloyd's algorithm.

    Starts from `spread_out`, so that nothing is drawn; with fewer different points of some weight than k there are
    fewer centres. A centre without weight goes where the cost is highest, as scikit-learn's does.
    """
    weights = torch.ones_like(points[:, 0]) if weights is None else weights
    shift = weights @ points / weights.sum()  # large common offsets would cancel badly
    points = points - shift
    weighted = points * weights[:, None]
    centres = points[spread_out(points, k, weights)]
    place = _assign(points, centres)
    for _ in range(iterations):
        mass = torch.zeros_like(centres[:, 0]).index_add_(0, place, weights)
        sums = torch.zeros_like(centres).index_add_(0, place, weighted)
        moved = sums / mass.clamp_min(torch.finfo(mass.dtype).tiny)[:, None]
        empty = mass == 0
        if bool(empty.any()):
            moved[empty] = points[(nearest(points, centres) * weights).topk(int(empty.sum())).indices]
        if torch.equal(moved, centres):
            break
        centres = moved
        place = _assign(points, centres)
    return centres + shift, place


def spread_out(points: Tensor, k: int, weights: Tensor) -> Tensor:
    """Return k points to start k-means from, (at most k,): k-means++ with candidates at quantiles instead of drawn.

    The first is nearest to the weighted mean. Points add to the cost weight times squared distance to the nearest one
    chosen; `START_CANDIDATES` stand at the middles of as many equal shares of the cost. The one that lowers it most is
    taken, then the one that lowers most of what is left, up to `TAKEN_AT_ONCE` of them (Arthur & Vassilvitskii 2007,
    whose greedy variant draws candidates by those shares and takes one). The points stand in the order of their costs,
    renewed whenever twice as many are chosen. Neither chance nor the order of the points plays a part.
    """
    points = points - weights @ points / weights.sum()
    lengths = points.square().sum(dim=1)
    limit = 1e-10 * lengths.amax()  # nearer points are the same one
    middles = (torch.arange(START_CANDIDATES, dtype=torch.float64, device=points.device) + 0.5) / START_CANDIDATES
    chosen = [lengths.argmin()]
    squares = square_distances(points, points[chosen[0], None])[:, 0]
    order, ordered_at = torch.arange(len(points), device=points.device), 0
    k = min(k, len(points))
    while len(chosen) < k and bool((squares * (weights > 0)).amax() > limit):
        if len(chosen) >= 2 * ordered_at:
            again, ordered_at = (squares * weights).argsort(descending=True, stable=True), len(chosen)
            order, points, lengths = order[again], points[again], lengths[again]
            squares, weights = squares[again], weights[again]
        shares = (squares * weights).double().cumsum(0)
        candidates = torch.searchsorted(shares, middles * shares[-1])
        reached = add_inner(lengths[candidates, None] + lengths, points[candidates], -2 * points)
        for turn in range(min(TAKEN_AT_ONCE, k - len(chosen))):
            torch.minimum(reached, squares, out=reached)
            best = (reached @ weights).argmin()
            if turn and bool(squares[candidates[best]] <= limit):
                break
            chosen.append(order[candidates[best]])
            squares = reached[best].clamp_min(0)
    return torch.stack(chosen)


def assign(points: Tensor, centres: Tensor) -> Tensor:
    """Return the index of the centre nearest to each point, (n,)."""
    shift = centres.mean(dim=0)
    return _assign(points - shift, centres - shift)


def _assign(points: Tensor, centres: Tensor) -> Tensor:
    """Return the index of the centre nearest to each point, (n,), both without a large common offset."""
    # ||c||^2 - 2 x c orders as the distance does; a 1 at the end of x brings the norms in the same product.
    points = torch.cat([points, torch.ones_like(points[:, :1])], dim=1)
    centres = torch.cat([-2 * centres, centres.square().sum(dim=1, keepdim=True)], dim=1)
    step = max(1, BLOCK_ELEMENTS // max(1, len(centres)))
    return torch.cat([_argmin(inner(part, centres)) for part in torch.split(points, step)])


def _argmin(rows: Tensor) -> Tensor:
    """Return the place of each row's least number, (n,); on a CPU by numpy, four times as fast as torch."""
    return torch.from_numpy(rows.numpy().argmin(axis=1)) if rows.device.type == "cpu" else rows.argmin(dim=1)


def representatives(points: Tensor, centres: Tensor, k: int) -> Tensor:
    """Return k different points, (min(k, n),): the one nearest to each centre, then farthest first from those."""
    free = torch.zeros_like(points[:, 0])
    slack = 64 * torch.finfo(points.dtype).eps * points.sub(points.mean(dim=0)).square().sum(dim=1).amax()
    chosen: list[int] = []
    for part in torch.split(centres, max(1, CHUNK_ELEMENTS // len(points))):
        for centre, squares in zip(part, square_distances(part, points), strict=True):
            left = squares + free
            near = (left <= left.amin() + slack).nonzero()[:, 0]  # both of a pair are as far from its mean
            index = int(near[(points[near] - centre).square().sum(dim=1).argmin()])
            chosen.append(index)
            free[index] = torch.inf
    found = torch.tensor(chosen, dtype=torch.int64, device=points.device)
    missing = min(k, len(points)) - len(found)
    if missing <= 0:
        return found[:k]
    start = torch.where(free.isinf(), -torch.inf, nearest(points, points[found]))
    return torch.cat([found, farthest_first(start, missing, Cloud(points).squares_to, keep_start=True)])
