"""Stochastic gradient descent by torch's fused kernel alone.

The numbers are those of `torch.optim.SGD(..., fused=True)`, whose Python brings in torch's compiler: seconds of imports
in each process, for a loop that compiles nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


class FusedSgd:
    """SGD with momentum and weight decay over groups of parameters, each with a learning rate `lr` of its own."""

    def __init__(self, groups: Sequence[dict[str, Any]], momentum: float, weight_decay: float) -> None:
        self.param_groups = groups
        self.momentum = momentum
        self.weight_decay = weight_decay
        self._buffers = {p: torch.zeros_like(p) for group in groups for p in group["params"]} if momentum else {}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move each parameter that has a gradient."""
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            if not moving:
                continue
            torch._fused_sgd_(
                moving,
                [p.grad for p in moving],
                [self._buffers[p] for p in moving] if self.momentum else [],
                weight_decay=self.weight_decay,
                momentum=self.momentum,
                lr=group["lr"],
                dampening=0.0,
                nesterov=False,
                maximize=False,
                is_first_step=False,  # buffers of zeros take the first gradient as it is
            )
