"""Pooling while layers are recorded: the layout of its gradients, and where its maxima are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

POOLS: tuple[Callable[..., Any], ...] = (F.max_pool2d, F.avg_pool2d)


INDICES_AT = 6  # of max_pool2d's arguments: whether it gives its indices with the output


@dataclass(frozen=True)
class Maxima:
    """What a maximum pooling gave out, (n, C, h, w), and where: flat positions in its input's planes, int64."""

    output: Tensor
    positions: Tensor


class Pooling(TorchFunctionMode):
    """Within the block, gradients enter the pools of maps in channels_last, and maxima are noted.

    Out of a flattened map gradients come in the other layout, in which a pool takes four times as long.
    """

    def __init__(self) -> None:
        super().__init__()
        self._maxima: dict[Any, Maxima] = {}  # by the node of the graph whose output is pooled

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call the function, and see to the gradient of what a pool gives out."""
        del types
        named = dict(kwargs or {})
        if func is POOLS[0] and not (len(args) > INDICES_AT or named.get("return_indices")):
            found: Any = self._noted(args[0], *func(*args, **{**named, "return_indices": True}))
        else:
            found = func(*args, **named)
        if func in POOLS and isinstance(found, Tensor) and found.dim() == 4 and found.requires_grad:
            found.register_hook(_channels_last)  # type: ignore[no-untyped-call]
        return found

    def maxima(self, node: Any, end: Any) -> Maxima | None:
        """Return the maxima of what a node gives out where the pooling alone takes it on the way to the node `end`."""
        return self._maxima[node] if node in self._maxima and _uses(end)[node] == 1 else None

    def _noted(self, pooled: Tensor, output: Tensor, positions: Tensor) -> Tensor:
        if pooled.grad_fn is None or output.dim() != 4:
            return output
        self._maxima[pooled.grad_fn] = Maxima(output, positions)
        return output.clone()  # what follows may work in place


def _uses(end: Any) -> Counter[Any]:
    """Return how often the output of each node is used on the way to the node `end`."""
    uses: Counter[Any] = Counter()
    seen, due = {end}, [end]
    while due:
        before = [node for node, _ in due.pop().next_functions if node is not None]
        uses.update(before)
        due += [node for node in dict.fromkeys(before) if node not in seen]
        seen.update(before)
    return uses


def _channels_last(gradient: Tensor) -> Tensor:
    return gradient.contiguous(memory_format=torch.channels_last)
