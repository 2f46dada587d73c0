"""Distances, greedy orders and k-means over feature vectors, deterministic and without a loop over examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

CHUNK_ELEMENTS = 1 << 24  # of the largest intermediate


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

    Starts from the point nearest to the weighted mean and then farthest first, so that nothing is drawn; with fewer
    different points than k there are fewer centres. A centre that loses all its weight stays where it is.
    """
    weights = torch.ones_like(points[:, 0]) if weights is None else weights
    mean = (weights @ points / weights.sum())[None]
    first = -square_distances(points, mean)[:, 0]
    order = farthest_first(first, k, lambda index: square_distances(points, points[index, None])[:, 0], False)
    centres = points[order]
    distinct = 1 + int((_gap_to_earlier(centres) > 1e-10 * points.square().sum(dim=1).amax()).sum())
    centres = centres[:distinct]
    for _ in range(iterations):
        place = assign(points, centres)
        mass = torch.zeros_like(centres[:, 0]).index_add_(0, place, weights)
        sums = torch.zeros_like(centres).index_add_(0, place, points * weights[:, None])
        moved = torch.where(mass[:, None] > 0, sums / mass.clamp_min(torch.finfo(mass.dtype).tiny)[:, None], centres)
        if torch.equal(moved, centres):
            break
        centres = moved
    return centres, assign(points, centres)


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


def _gap_to_earlier(centres: Tensor) -> Tensor:
    """Return each centre's squared distance to the nearest one before it, (k - 1,); it falls along the order."""
    distances = square_distances(centres, centres)
    later = torch.ones_like(distances).tril(diagonal=-1).bool()
    return torch.where(later, distances, torch.inf)[1:].amin(dim=1)
