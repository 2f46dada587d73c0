"""Top singular directions of gradients, and the error that their use makes."""

from __future__ import annotations

import torch
from torch import Tensor

OVERSAMPLING = 16  # sketched directions beyond those wanted


def top_directions(rows: Tensor, rank: int, generator: torch.Generator) -> Tensor:
    """Return the top right singular vectors of `rows`, (n, K), as (at most rank, K), orthonormal, best first.

    A randomised range finder with one power iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4) that starts
    from randomly chosen rows: two products with `rows`, which is what makes it cheaper than their Gram matrix.
    """
    chosen = torch.randperm(len(rows), generator=generator)[: rank + OVERSAMPLING].to(rows.device)
    column_space = orthonormal((rows @ orthonormal(rows[chosen]).T).T)
    return orthonormal(column_space @ rows)[:rank]


def orthonormal(rows: Tensor) -> Tensor:
    """Return the right singular vectors of a wide matrix, (at most l, K), by way of its small Gram matrix.

    Directions whose singular value is below 1e-3 of the largest are noise in a float32 Gram matrix, and are left out.
    """
    values, vectors = torch.linalg.eigh((rows @ rows.T).double())
    values, vectors = values.flip(0), vectors.flip(1)
    floor = values[0].clamp(min=torch.finfo(torch.float64).tiny) * 1e-6
    good = values > floor
    found: Tensor = (vectors[:, good] / values[good].sqrt()).T.to(rows.dtype) @ rows
    return found


def rms_relative_error(near: Tensor, exact: Tensor) -> float:
    """Return the rms of near/exact - 1; where exact is 0, 0 stands for an equal value and infinity for another."""
    near, exact = near.double(), exact.double()
    relative = torch.where(near == exact, 0.0, near / exact - 1)
    return float(relative.square().mean().sqrt())
