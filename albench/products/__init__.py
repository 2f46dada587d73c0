"""The machine's matrix products: which is fastest on this kind of processor, and products that go through it.

Plugins import from here; the harness decides, once a study, what they use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from albench.products.matmul import add_inner, by_onednn, inner, lower_dtype

__all__ = ["add_inner", "by_onednn", "inner", "lower_dtype"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from albench.products import matmul

        return getattr(matmul, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
