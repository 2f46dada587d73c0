"""The CUDA side of `emoc_row_sums`: the library's matrix product and an epilogue, or one fused Triton kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from albench_strategies.emoc.choice import Choice, choice
from albench_strategies.emoc.grams import Grams, finish
from albench_strategies.emoc.precision import product_dtype


def stored_choice(numbers: Tensor, precision: str) -> Choice | None:
    """Return what is stored for the GPU that holds the numbers, or None."""
    if not numbers.is_cuda:
        return None
    return choice(torch.cuda.get_device_capability(numbers.device), precision)


def prefers_kernel(left: Tensor, precision: str) -> bool:
    """Tell whether the fused kernel is stored as the faster one for this architecture, precision and K.

    It computes in float32 at the most: float64 numbers are the library's.
    """
    stored = stored_choice(left, precision) if left.dtype == torch.float32 else None
    return stored is not None and left.shape[1] <= stored.fused_up_to_k


def library(left: Tensor, right: Tensor, grams: Grams, weights: Tensor, precision: str) -> Tensor:
    """Return the row sums by the library's product and elementwise passes."""
    dtype = product_dtype(precision, left)
    changes = (left.to(dtype) @ right.to(dtype).T).to(left.dtype)
    return finish(changes, Grams(*([part.to(dtype) for part in parts] for parts in vars(grams).values())), weights)


def fused(left: Tensor, right: Tensor, grams: Grams, weights: Tensor, precision: str) -> Tensor:
    """Return the row sums by the Triton kernel, which never writes the matrix."""
    from albench_strategies.emoc import kernel

    stored = stored_choice(left, precision)
    return kernel.row_sums(left, right, grams, weights, precision, stored.tiles if stored else None)
