"""The end of every path: sum_m w_m |left right^T + Gram terms|, as the custom operator `albench::emoc_row_sums`.

On the CPU it is matrix products and three elementwise passes; on CUDA either the same through the library, or one
Triton kernel that never writes the matrix (`kernel.py`), whichever the stored measurements prefer.
"""

from __future__ import annotations

import torch
from torch import Tensor

from albench.products import inner
from albench_strategies.emoc.grams import Grams, finish


def row_sums(left: Tensor, right: Tensor, grams: Grams, weights: Tensor, precision: str) -> Tensor:
    """Return sum_m w_m |left right^T + Gram terms|_mn for each n, float64, (n,).

    `left` is (R, K), `right` (n, K), K may be 0; `weights` (R,).
    """
    if not left.is_cuda and not torch.compiler.is_compiling():  # the dispatcher's first call costs a second of imports
        return finish(inner(left, right), grams, weights)
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
    chosen = cuda.prefers_kernel(left, precision) if method == "auto" else method == "triton"
    result: Tensor = (cuda.fused if chosen else cuda.library)(left, right, grams, weights, precision)
    return result
