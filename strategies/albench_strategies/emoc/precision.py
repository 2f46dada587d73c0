"""The precision of matrix products on CUDA; on the CPU it is always that of the numbers themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


@contextmanager
def matmul_precision(precision: str, device: torch.device) -> Iterator[None]:
    """Let float32 products and convolutions on CUDA use TF32 within the block, or not; put back what was set."""
    if device.type != "cuda":
        yield
        return
    wanted = "ieee" if precision == "fp32" else "tf32"
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)  # type: ignore[attr-defined]
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = wanted
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.fp32_precision = value


def product_dtype(precision: str, numbers: Tensor) -> torch.dtype:
    """Return the type that the two sides of a product are cast to."""
    return torch.bfloat16 if precision == "bf16" and numbers.is_cuda else numbers.dtype
