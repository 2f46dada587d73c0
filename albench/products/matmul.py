"""Products of float32 rows on the CPU, through what the cell's product names; anything else goes through torch.mm."""

from __future__ import annotations

import torch
from torch import Tensor

from albench.processor import processor
from albench.products.choice import PLAIN

_product = PLAIN


def current() -> str:
    """Return the product that this process uses."""
    return _product


def use(product: str) -> None:
    """Let this process use a product from now on; see `albench.products.choice`."""
    global _product
    _product = product


def usable(product: str) -> str:
    """Return what of a product this machine and this torch can do."""
    exact, _, lower = product.partition("+")
    exact = exact if exact == PLAIN or _has_onednn() else PLAIN
    return f"{exact}+{lower}" if lower and processor().has_bf16 else exact


def inner(a: Tensor, b: Tensor, approximate: bool = False) -> Tensor:
    """Return the inner products of all rows of `a`, (n, d), with all of `b`, (m, d): a b^T, (n, m).

    With `approximate`, float32 numbers may be rounded to bf16 first, which leaves errors of some 4e-3 a product: only
    for what is bounded by a tolerance and measured.
    """
    if approximate and lower_dtype(a) != a.dtype:
        return (a.to(torch.bfloat16) @ b.to(torch.bfloat16).T).to(a.dtype)
    return _by_onednn(a, b) if by_onednn(a, b) else a @ b.T


def add_inner(total: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Add the inner products of all rows of `a` with all of `b` to `total`, (n, m), in place, and return it."""
    return total.add_(_by_onednn(a, b)) if by_onednn(a, b) else total.addmm_(a, b.T)


def lower_dtype(numbers: Tensor) -> torch.dtype:
    """Return the type that numbers may be rounded to where a tolerance allows it: bf16, or their own."""
    lower = _product.endswith("+bf16") and numbers.dtype == torch.float32 and not numbers.is_cuda
    return torch.bfloat16 if lower else numbers.dtype


def by_onednn(a: Tensor, b: Tensor) -> bool:
    """Tell whether the products of rows of a and b go through oneDNN."""
    if not _product.startswith("onednn"):
        return False
    plain = a.device.type == b.device.type == "cpu" and a.dtype == b.dtype == torch.float32
    tracked = torch.is_grad_enabled() and (a.requires_grad or b.requires_grad)  # it has no derivative
    return plain and not tracked and a.dim() == b.dim() == 2 and min(*a.shape, *b.shape) > 0


def _by_onednn(a: Tensor, b: Tensor) -> Tensor:
    found: Tensor = torch.ops.mkldnn._linear_pointwise(a.contiguous(), b.contiguous(), None, "none", [], "")
    return found


def _has_onednn() -> bool:
    """Tell whether torch has the product by oneDNN under the name used here, which is a private one."""
    available = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    return available and hasattr(torch.ops.mkldnn, "_linear_pointwise")
