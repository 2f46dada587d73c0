"""The end of every path: sum_m w_m |left right^T + Gram terms|, as the custom operator `albench::emoc_row_sums`.

On the CPU it is matrix products and three elementwise passes; on CUDA either the same through the library, or one
Triton kernel that never writes the matrix (`kernel.py`), whichever the stored measurements prefer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from albench_strategies.emoc.layers import Factors


@dataclass(frozen=True)
class Grams:
    """Layers of one position: sum over layers of (a . a')(D . D') is added to the product.

    With X images of F functions, R = X F: `inputs` (X, d), `deltas` (R, p), `other_inputs` (m, d), `other_deltas` (m,
    p) for each layer.
    """

    inputs: list[Tensor]
    deltas: list[Tensor]
    other_inputs: list[Tensor]
    other_deltas: list[Tensor]

    @classmethod
    def of(cls, pairs: Sequence[tuple[Factors, Factors]]) -> Grams:
        """Collect the layers from their factors on both sides."""
        return cls(
            [ours.patches.flatten(1) for ours, _ in pairs],
            [ours.deltas.reshape(-1, ours.deltas.shape[4]) for ours, _ in pairs],
            [other.patches.flatten(1) for _, other in pairs],
            [other.deltas.flatten(1) for _, other in pairs],
        )


def row_sums(left: Tensor, right: Tensor, grams: Grams, weights: Tensor, precision: str) -> Tensor:
    """Return sum_m w_m |left right^T + Gram terms|_mn for each n, float64, (n,).

    `left` is (R, K), `right` (n, K), K may be 0; `weights` (R,).
    """
    if not left.is_cuda and not torch.compiler.is_compiling():  # the dispatcher's first call costs a second of imports
        return finish(left @ right.T, grams, weights)
    result: Tensor = torch.ops.albench.emoc_row_sums(
        left,
        right,
        grams.inputs,
        grams.deltas,
        grams.other_inputs,
        grams.other_deltas,
        weights,
        precision,
        "auto",
    )
    return result


def finish(changes: Tensor, grams: Grams, weights: Tensor) -> Tensor:
    """Add the Gram terms to `changes`, (R, n), in place, and return the weighted sums of absolute values over rows."""
    m = changes.shape[1]
    for inputs, deltas, other_inputs, other_deltas in zip(
        grams.inputs, grams.deltas, grams.other_inputs, grams.other_deltas, strict=True
    ):
        alike = (inputs @ other_inputs.T).to(changes.dtype)
        pull = (deltas @ other_deltas.T).to(changes.dtype)
        n = len(alike)
        changes.view(n, -1, m).addcmul_(pull.view(n, -1, m), alike.view(n, 1, m))
    return (weights.to(changes.dtype) @ changes.abs_()).double()


@torch.library.custom_op("albench::emoc_row_sums", mutates_args=(), device_types="cpu")
def emoc_row_sums(
    left: Tensor,
    right: Tensor,
    inputs: list[Tensor],
    deltas: list[Tensor],
    other_inputs: list[Tensor],
    other_deltas: list[Tensor],
    weights: Tensor,
    precision: str,
    method: str,
) -> Tensor:
    """Compute on the CPU, in the precision of the arguments; `precision` and `method` are for CUDA."""
    del precision, method
    return finish(left @ right.T, Grams(inputs, deltas, other_inputs, other_deltas), weights)


@emoc_row_sums.register_fake
def _(_left: Tensor, right: Tensor, *_rest: object) -> Tensor:
    return right.new_empty(right.shape[0], dtype=torch.float64)


@emoc_row_sums.register_kernel("cuda")
def _(
    left: Tensor,
    right: Tensor,
    inputs: list[Tensor],
    deltas: list[Tensor],
    other_inputs: list[Tensor],
    other_deltas: list[Tensor],
    weights: Tensor,
    precision: str,
    method: str,
) -> Tensor:
    from albench_strategies.emoc import cuda

    grams = Grams(inputs, deltas, other_inputs, other_deltas)
    chosen = cuda.prefers_kernel(left, right) if method == "auto" else method == "triton"
    result: Tensor = (cuda.fused if chosen else cuda.library)(left, right, grams, weights, precision)
    return result
