"""Top singular directions of gradients, and the error that their use makes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from albench.products import inner

OVERSAMPLING = 48  # sketched directions beyond those wanted: with 16 the last wanted ones err by a seventh more
NEGLIGIBLE = 1e-3  # of the gradients' squared norm in the directions; scores do not notice (docs/emoc.md)


@dataclass(frozen=True)
class Probes:
    """Directions of one layer's gradients, factored: each is nearly its `weights` times `basis`^T.

    `basis` is (d, k), orthonormal columns over the layer's d inputs; `weights` (r, G p k). So a gradient
    sum_t D_t U_t^T meets a direction as sum_t D_t (U_t basis)^T meets its weights: with patches k wide instead of d.
    """

    basis: Tensor
    weights: Tensor

    def to(self, dtype: torch.dtype) -> Probes:
        """Return them in another type."""
        return Probes(self.basis.to(dtype), self.weights.to(dtype))

    def by_input(self, groups: int) -> Tensor:
        """Return the weights in the order of narrowed gradients, (r, G k p)."""
        by_output = self.weights.view(len(self.weights), groups, -1, self.basis.shape[1])
        return by_output.transpose(2, 3).flatten(1).contiguous()

    def expanded(self) -> Tensor:
        """Return the directions that these stand for, (r, G p d)."""
        width, kept = self.basis.shape
        n, size = self.weights.shape
        return (self.weights.reshape(-1, kept) @ self.basis.T).reshape(n, size // kept * width)


def factored(directions: Tensor, sizes: Tensor, width: int) -> Probes:
    """Factor a layer's directions, (r, G p d), over few combinations of its d inputs.

    `sizes` is how large the gradients are along each direction, (r,). Inputs of a convolution are patches, smooth and
    alike, so few combinations carry the directions; those of less than `NEGLIGIBLE` of the squared norm in all are
    left out.
    """
    rows = (directions * sizes[:, None]).reshape(-1, width)
    values, vectors = torch.linalg.eigh((rows.T @ rows).double())
    values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)
    left_out = values.sum() - values.cumsum(0)
    kept = min(width, int((left_out > NEGLIGIBLE * values.sum()).sum()) + 1)
    basis = vectors[:, :kept].to(directions.dtype).contiguous()
    n_rows = directions.shape[1] // width
    return Probes(basis, (directions.reshape(-1, width) @ basis).reshape(len(directions), n_rows * kept))


def top_directions(rows: Tensor, rank: int, generator: torch.Generator) -> Tensor:
    """Return the top right singular vectors of `rows`, (n, K), as (at most rank, K), orthonormal, best first.

    A randomised range finder with one power iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4) that starts
    from randomly chosen rows: two products with `rows`, which is what makes it cheaper than their Gram matrix.
    """
    chosen = torch.randperm(len(rows), generator=generator)[: rank + OVERSAMPLING].to(rows.device)
    exactly = torch.promote_types(rows.dtype, torch.float32)  # small Gram matrices of bf16 would be noise
    start = orthonormal(rows[chosen].to(exactly))
    column_space = orthonormal(inner(start.to(rows.dtype), rows).to(exactly))
    return orthonormal((column_space.to(rows.dtype) @ rows).to(exactly))[:rank]


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
