"""Small queries for the tests of EMOC."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from albench.contracts.query import Query


class SmallNetwork(nn.Module):
    """A convolution on many positions, one on few, and two linear layers; ReLU in place on purpose."""

    def __init__(self, n_classes: int, channels: int = 2) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 3, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.LazyLinear(5),
        )
        self.head = nn.Linear(5, n_classes)

    def features(self, images: Tensor) -> Tensor:
        return self.body(images)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


class WithBody(nn.Module):
    """Any body that gives (n, d), and a head."""

    def __init__(self, body: nn.Module, d: int, n_classes: int = 3) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(d, n_classes)

    def features(self, images: Tensor) -> Tensor:
        return self.body(images)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def randomised(network: nn.Module, generator: torch.Generator) -> nn.Module:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        for name, buffer in network.named_buffers():
            if buffer.is_floating_point():
                scale = torch.rand(buffer.shape, generator=generator)
                buffer.copy_(scale + 0.5 if name.endswith("var") else scale - 0.5)
    return network.eval()


def query_of(network: nn.Module, n_pool: int = 6, n_labeled: int = 3, seed: int = 0) -> Query:
    generator = torch.Generator().manual_seed(seed)
    randomised(network, generator)
    images = torch.randn(n_pool + n_labeled, 2, 8, 8, generator=generator)
    sets = torch.stack([torch.randperm(n_pool, generator=generator)[:2] for _ in range(4)])
    labels = torch.zeros(n_labeled, dtype=torch.int64)
    return Query(network, images[:n_pool], images[n_pool:], labels, sets, generator)


def small_query(n_pool: int = 6, n_labeled: int = 3, n_classes: int = 3, seed: int = 0) -> Query:
    network = SmallNetwork(n_classes)
    network(torch.zeros(1, 2, 8, 8))
    return query_of(network, n_pool, n_labeled, seed)


def in_float64(query: Query) -> Query:
    return Query(
        query.network.double(), query.pool.double(), query.labeled.double(), query.labels, query.sets, query.generator
    )
