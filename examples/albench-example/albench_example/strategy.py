"""A strategy in ten lines."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt

import albench


@dataclass(frozen=True)
class LeastMargin(albench.Strategy):
    """Query where the two largest logits are closest, scaled by a temperature (margin before the softmax)."""

    temperature: Annotated[float, Gt(0)] = 1.0

    def score(self, query: albench.Query) -> torch.Tensor:
        """Return the negative margin of the logits, (n_pool,)."""
        best = query.logits.topk(min(2, query.n_classes), dim=1).values
        return -(best[:, 0] - best[:, -1]) / self.temperature
