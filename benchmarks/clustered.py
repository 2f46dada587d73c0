"""A pool of features in clusters, and a network that is its head alone: what a query costs once features are there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from albench.contracts.query import Query

N_LABELED, MODES = 400, 5
SPREAD = 1.2  # of a mode's points in each direction, where the modes' centres have 1
SHARPNESS = 0.3  # of the posterior; most examples are classified surely, and some are not


class HeadAlone(nn.Module):
    """A linear layer whose inputs are the features."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.head = nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            self.head.weight.copy_(weight)
            self.head.bias.copy_(bias)

    def features(self, inputs: Tensor) -> Tensor:
        return inputs

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = self.head(inputs)
        return found


def clustered_query(n_pool: int, n_classes: int = 20, width: int = 64, seed: int = 0) -> Query:
    """Return a query over features, at least 0 as after a ReLU, of classes with several modes each.

    The head is that of the nearest class mean. Features, logits and posteriors are computed already, and nothing else.
    """
    draws = torch.Generator().manual_seed(seed)
    labels = torch.randint(n_classes, (N_LABELED + n_pool,), generator=draws)
    labels[:n_classes] = torch.arange(n_classes)  # each class has a labelled example
    modes = torch.randint(MODES, (len(labels),), generator=draws)
    centres = torch.randn(n_classes, MODES, width, generator=draws)
    noise = torch.randn(len(labels), width, generator=draws)
    points = (centres[labels, modes] + SPREAD * noise).clamp_min(0)
    means = torch.stack([points[labels == one].mean(dim=0) for one in range(n_classes)])
    head = HeadAlone(SHARPNESS * 4 * means, -2 * SHARPNESS * means.square().sum(dim=1)).eval()
    return fresh(Query(head, points[N_LABELED:], points[:N_LABELED], labels[:N_LABELED], None, draws))


def fresh(query: Query) -> Query:
    """Return the query with its generator at the start and no memory, its features and posteriors computed."""
    draws = torch.Generator().manual_seed(1)
    again = Query(query.network, query.pool, query.labeled, query.labels, None, draws)
    assert again.probabilities.shape[0] == len(again.features)
    assert len(again.labeled_features) == len(again.labels)
    return again
