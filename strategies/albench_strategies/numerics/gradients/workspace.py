"""Buffers that are used again: fresh memory for every chunk costs as much time as the arithmetic on it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class Workspace:
    """Tensors by name, each handed out again until a larger one is asked for under its name."""

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}

    def take(self, name: str, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
        """Return a contiguous tensor whose content is whatever it was; the one of that name before is overwritten."""
        size = math.prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.numel() < size or buffer.dtype != dtype or buffer.device != device:
            self._buffers.pop(name, None)  # before the larger one is asked for
            buffer = self._buffers[name] = torch.empty(size, dtype=dtype, device=device)
        return buffer[:size].view(*shape)

    def clear(self) -> None:
        """Give the memory back, when it is short."""
        self._buffers.clear()
