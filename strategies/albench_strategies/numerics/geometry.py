"""Distances and greedy orders over feature vectors, deterministic and without a loop over examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from albench.products import inner

CHUNK_ELEMENTS = 1 << 24  # of the largest intermediate


def square_distances(points: Tensor, others: Tensor) -> Tensor:
    """Return squared Euclidean distances, (n, m), at least 0; those to a single other one are free of cancellation."""
    shift = others.mean(dim=0)  # large common offsets would cancel badly
    return inner(_row_side(points - shift), _column_side(others - shift)).clamp_min_(0)


def _row_side(points: Tensor) -> Tensor:
    """Return (x, ||x||^2, 1), whose inner products with `_column_side` are squared distances, (n, d + 2)."""
    norms = points.square().sum(dim=1, keepdim=True)
    return torch.cat([points, norms, torch.ones_like(norms)], dim=1)


def _column_side(points: Tensor) -> Tensor:
    """Return (-2 x, 1, ||x||^2), (n, d + 2)."""
    norms = points.square().sum(dim=1, keepdim=True)
    return torch.cat([-2 * points, torch.ones_like(norms), norms], dim=1)


class Cloud:
    """Points of which many squared distances are asked, prepared once."""

    def __init__(self, points: Tensor) -> None:
        centred = points - points.mean(dim=0)
        self._rows, self._columns = _row_side(centred), _column_side(centred)
        self.norms = self._rows[:, -2].clone()  # squared distances to the mean, (n,)

    def squares(self, rows: Tensor | slice, columns: Tensor | slice) -> Tensor:
        """Return squared Euclidean distances, (n, m), a little below 0 where rounding has it so."""
        return inner(self._rows[rows], self._columns[columns])

    def squares_to(self, index: int) -> Tensor:
        """Return all points' squared distances to one of them, (n,), at least 0."""
        return self.squares(slice(None), slice(index, index + 1))[:, 0].clamp_min_(0)


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
