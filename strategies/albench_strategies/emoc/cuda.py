"""The CUDA side of `emoc_row_sums`: the library's matrix product and an epilogue, or one fused Triton kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from albench_strategies.emoc.grams import Grams, finish
from albench_strategies.emoc.precision import product_dtype

# The largest K at which the fused kernel is used, by compute capability; beyond it a library product is as fast.
# Projected from operation counts, not measured: `pytest benchmarks -k emoc_kernel` on a GPU prints what to store here.
FUSED_UP_TO_K = {(8, 0): 1024, (9, 0): 1024, (10, 0): 1024}


def prefers_kernel(left: Tensor, right: Tensor) -> bool:
    """Tell whether the fused kernel is stored as the faster one for this architecture and K."""
    del right
    return left.shape[1] <= FUSED_UP_TO_K.get(torch.cuda.get_device_capability(left.device), 0)


def library(left: Tensor, right: Tensor, grams: Grams, weights: Tensor, precision: str) -> Tensor:
    """Return the row sums by the library's product and elementwise passes."""
    dtype = product_dtype(precision, left)
    changes = (left.to(dtype) @ right.to(dtype).T).to(left.dtype)
    return finish(changes, Grams(*([part.to(dtype) for part in parts] for parts in vars(grams).values())), weights)


def fused(left: Tensor, right: Tensor, grams: Grams, weights: Tensor, precision: str) -> Tensor:
    """Return the row sums by the Triton kernel, which never writes the matrix."""
    from albench_strategies.emoc import kernel

    return kernel.row_sums(left, right, grams, weights, precision)
