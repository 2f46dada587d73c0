"""A module of a body and a head, as strategies look at one."""

from __future__ import annotations

from torch import Tensor, nn


class Headed(nn.Module):
    """Anything that makes features, (n, d), and a linear head on them."""

    def __init__(self, body: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def features(self, images: Tensor) -> Tensor:
        """Return what enters the head, (n, d)."""
        features: Tensor = self.body(images)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (n, n_classes)."""
        logits: Tensor = self.head(self.features(images))
        return logits
