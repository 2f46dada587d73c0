"""Distances, greedy orders and k-means over feature vectors, deterministic and without a loop over examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

CHUNK_ELEMENTS = 1 << 24  # of the largest intermediate
START_CANDIDATES = 16


def square_distances(points: Tensor, others: Tensor) -> Tensor:
    """Return squared Euclidean distances, (n, m), at least 0."""
    shift = others.mean(dim=0)  # large common offsets would cancel badly
    points, others = points - shift, others - shift
    norms = points.square().sum(dim=1)[:, None] + others.square().sum(dim=1)
    return torch.addmm(norms, points, others.T, alpha=-2).clamp_min_(0)


def nearest(points: Tensor, others: Tensor) -> Tensor:
    """Return each point's squared distance to the closest of `others`, (n,)."""
    step = max(1, CHUNK_ELEMENTS // max(1, len(others)))
    return torch.cat([square_distances(part, others).amin(dim=1) for part in torch.split(points, step)])


def within_sets(points: Tensor, sets: Tensor) -> Tensor:
    """Return squared distances between the members of each set, (n_sets, K, K), exactly 0 on the diagonal."""
    members = points[sets]
    members = members - members.mean(dim=1, keepdim=True)
    norms = members.square().sum(dim=2)
    distances = torch.baddbmm(norms[:, :, None] + norms[:, None], members, members.transpose(1, 2), alpha=-2)
    return no_diagonal(distances.clamp_min_(0))


def no_diagonal(distances: Tensor) -> Tensor:
    """Set the distance of each point to itself to exactly 0, in place, and return the tensor."""
    distances.diagonal(dim1=-2, dim2=-1).zero_()
    return distances


def set_greedy_gains(within: Tensor, start: Tensor, keep_start: bool) -> Tensor:
    """Return each set's mean gain when its own members are picked farthest first, (n_sets,).

    `within` is (n_sets, K, K), distances between members; `start`, (n_sets, K), is what each gains as the first one.
    Later gains are the distance to the nearest member picked before, and to what `start` measures when it is kept.
    """
    rows = torch.arange(len(within), device=within.device)
    gains, total = start.clone(), torch.zeros_like(start[:, 0])
    for step in range(within.shape[1]):
        best = gains.max(dim=1)
        total += best.values
        reach = within[rows, best.indices]
        gains = torch.where(gains.isneginf(), gains, reach if step == 0 and not keep_start else gains.minimum(reach))
        gains[rows, best.indices] = -torch.inf
    return total / within.shape[1]


def farthest_first(start: Tensor, k: int, distances_to: Callable[[int], Tensor], keep_start: bool) -> Tensor:
    """Return k indices in the order of the greedy algorithm of Gonzalez (1985), (min(k, n),).

    `start`, (n,), is what each gains as the first one; `distances_to(index)` gives (n,) distances. See
    `set_greedy_gains` for `keep_start`.
    """
    gains, chosen = start.clone(), []
    for step in range(min(k, len(start))):
        index = int(gains.argmax())
        chosen.append(index)
        reach = distances_to(index)
        gains = torch.where(gains.isneginf(), gains, reach if step == 0 and not keep_start else gains.minimum(reach))
        gains[index] = -torch.inf
    return torch.tensor(chosen, dtype=torch.int64, device=start.device)


def kmeans(points: Tensor, k: int, weights: Tensor | None = None, iterations: int = 20) -> tuple[Tensor, Tensor]:
    """Return centres, (at most k, d), and each point's centre, (n,), of weighted k-means by Lloyd's algorithm.

    Starts from `spread_out`, so that nothing is drawn; with fewer different points of some weight than k there are
    fewer centres. A centre without weight goes where the cost is highest, as scikit-learn's does.
    """
    weights = torch.ones_like(points[:, 0]) if weights is None else weights
    centres = points[spread_out(points, k, weights)]
    for _ in range(iterations):
        place = assign(points, centres)
        mass = torch.zeros_like(centres[:, 0]).index_add_(0, place, weights)
        sums = torch.zeros_like(centres).index_add_(0, place, points * weights[:, None])
        moved = sums / mass.clamp_min(torch.finfo(mass.dtype).tiny)[:, None]
        empty = mass == 0
        if bool(empty.any()):
            moved[empty] = points[(nearest(points, centres) * weights).topk(int(empty.sum())).indices]
        if torch.equal(moved, centres):
            break
        centres = moved
    return centres, assign(points, centres)


def spread_out(points: Tensor, k: int, weights: Tensor) -> Tensor:
    """Return k points to start k-means from, (at most k,): k-means++ with candidates at quantiles instead of drawn.

    The first is nearest to the weighted mean. For each later one the points are put in the order of what they add to
    the cost, weight times squared distance; of the `START_CANDIDATES` at the middles of as many equal shares of the
    cost, the one that lowers it most is taken (Arthur & Vassilvitskii 2007, whose greedy variant draws candidates by
    those shares). Neither chance nor the order of the points plays a part.
    """
    points = points - weights @ points / weights.sum()
    lengths = points.square().sum(dim=1)
    limit = 1e-10 * lengths.amax()  # nearer points are the same one

    def squares_to(others: Tensor) -> Tensor:  # without centring again at each step, as `square_distances` would
        sums = lengths[:, None] + lengths[others]
        return torch.addmm(sums, points, points[others].T, alpha=-2).clamp_min_(0)

    middles = (torch.arange(START_CANDIDATES, dtype=torch.float64, device=points.device) + 0.5) / START_CANDIDATES
    chosen = [lengths.argmin()]
    squares = squares_to(chosen[0][None])[:, 0]
    while len(chosen) < min(k, len(points)) and bool((squares * (weights > 0)).amax() > limit):
        costs, order = (squares * weights).sort(descending=True, stable=True)
        shares = costs.double().cumsum(0)
        candidates = order[torch.searchsorted(shares, middles * shares[-1])]
        reached = squares_to(candidates).minimum(squares[:, None])
        best = (weights @ reached).argmin()
        chosen.append(candidates[best])
        squares = reached[:, best]
    return torch.stack(chosen)


def assign(points: Tensor, centres: Tensor) -> Tensor:
    """Return the index of the centre nearest to each point, (n,)."""
    step = max(1, CHUNK_ELEMENTS // max(1, len(centres)))
    return torch.cat([square_distances(part, centres).argmin(dim=1) for part in torch.split(points, step)])


def representatives(points: Tensor, centres: Tensor, k: int) -> Tensor:
    """Return k different points, (min(k, n),): the one nearest to each centre, then farthest first from those."""
    free = torch.zeros_like(points[:, 0])
    chosen = []
    for centre in centres:
        index = int((square_distances(points, centre[None])[:, 0] + free).argmin())
        chosen.append(index)
        free[index] = torch.inf
    found = torch.tensor(chosen, dtype=torch.int64, device=points.device)
    missing = min(k, len(points)) - len(found)
    if missing <= 0:
        return found[:k]
    start = torch.where(free.isinf(), -torch.inf, nearest(points, points[found]))
    rest = farthest_first(start, missing, lambda index: square_distances(points, points[index, None])[:, 0], True)
    return torch.cat([found, rest])


def cover_of_sets(
    values: Callable[[slice], Tensor], weights: Tensor, sets: Tensor, best: Literal["least", "most"]
) -> Tensor:
    """Return sum_x weights[x] min (or max) over s in the set of values(s, x), (n_sets,).

    `values(part)` gives the values of all examples s against the examples x of a slice, (n, length of the slice).
    """
    total = torch.zeros(len(sets), dtype=weights.dtype, device=weights.device)
    step = max(1, CHUNK_ELEMENTS // max(1, sets.numel()))
    for begin in range(0, len(weights), step):
        part = slice(begin, begin + step)
        members = values(part)[sets]  # (n_sets, K, length)
        reached = members.amin(dim=1) if best == "least" else members.amax(dim=1)
        total += reached @ weights[part]
    return total


def singletons(n: int, device: torch.device) -> Tensor:
    """Return each example as a set of its own, (n, 1)."""
    return torch.arange(n, device=device)[:, None]
