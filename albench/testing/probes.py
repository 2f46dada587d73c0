"""Probes: rounds small enough to be asked many times, whose hidden labels are known to the one who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from albench.contracts.network import Network
from albench.contracts.query import FORWARD_BATCH, Query
from albench.protocols.sets import draw_sets
from albench.rng import stream, torch_stream

PIXEL_SCALE = 1 / 64  # brings images of the scale 0..255 minus their mean to about unit variance
N_FEATURES = 12


class ProbeModule(nn.Module):
    """A convolution, a linear layer of 12 features, and the head."""

    def __init__(self, image_shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        self.convolution = nn.Conv2d(channels, 4, 3, padding=1, stride=2)
        self.linear = nn.Linear(4 * ((height + 1) // 2) * ((width + 1) // 2), N_FEATURES)
        self.head = nn.Linear(N_FEATURES, n_classes)

    def features(self, images: Tensor) -> Tensor:
        """Return what enters the head, (n, 12)."""
        features: Tensor = self.linear(torch.relu(self.convolution(images)).flatten(1))
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (n, n_classes)."""
        logits: Tensor = self.head(self.features(images))
        return logits


@dataclass(frozen=True)
class ProbeNetwork(Network):
    """A network of three layers whose untrained features and logits are of order 1, for quick tests."""

    def build(self, image_shape: tuple[int, ...], n_classes: int, draws: np.random.Generator) -> ProbeModule:
        """Return the module, its weights scaled by the number of inputs; biases are 0."""
        with torch.random.fork_rng(devices=[]):  # the layers draw weights of their own, from torch's global generator
            module = ProbeModule(image_shape, n_classes)
        scales: dict[nn.Conv2d | nn.Linear, float] = {module.convolution: PIXEL_SCALE, module.linear: 1, module.head: 1}
        with torch.no_grad():
            for layer, scale in scales.items():
                std = scale / np.sqrt(layer.weight[0].numel())
                layer.weight.copy_(torch.from_numpy(std * draws.standard_normal(tuple(layer.weight.shape))))
                assert layer.bias is not None
                layer.bias.zero_()
        return module


@dataclass(frozen=True)
class Probe:
    """What a query is made of, kept apart so that one part at a time can be changed."""

    network: nn.Module
    pool: Tensor  # (n_pool, C, H, W)
    labeled: Tensor  # (n_labeled, C, H, W)
    labels: Tensor  # (n_labeled,)
    hidden: Tensor  # (n_pool,), the pool's true classes
    sets: Tensor  # (n_sets, K); None makes a query without sets
    n_classes: int
    seed: int = 0
    batch_size: int = FORWARD_BATCH
    permitted: bool = False  # whether the pool's labels are shown
    round: int = 1
    history: Tensor | None = None  # (n_labeled,)
    pool_ids: Tensor | None = None  # (n_pool,)
    labeled_ids: Tensor | None = None  # (n_labeled,)
    memory: Mapping[str, Any] = field(default_factory=dict)

    def query(self) -> Query:
        """Return a fresh query, its generator at its start."""
        known = torch.where(self.hidden < self.n_classes, self.hidden, -1)
        return Query(
            network=self.network,
            pool=self.pool,
            labeled=self.labeled,
            labels=self.labels,
            sets=self.sets,
            generator=torch_stream(self.seed, "probe strategy"),
            pool_labels=known if self.permitted else None,
            batch_size=self.batch_size,
            round=self.round,
            history=self.history,
            pool_ids=self.pool_ids,
            labeled_ids=self.labeled_ids,
            memory=self.memory,
        )

    def shuffled(self, order: Tensor) -> Probe:
        """Return the same round with its pool in another order; sets hold the same images."""
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order))
        ids = torch.arange(len(order)) if self.pool_ids is None else self.pool_ids
        pool, hidden = self.pool[order], self.hidden[order]
        return replace(self, pool=pool, hidden=hidden, sets=place[self.sets], pool_ids=ids[order])

    def copy(self) -> Probe:
        """Return a probe that shares no tensor with this one, the network apart."""
        names = ("pool", "labeled", "labels", "hidden", "sets")
        return replace(self, **{name: getattr(self, name).clone() for name in names})


def make_probe(
    n_pool: int = 36,
    n_labeled: int = 12,
    n_classes: int = 4,
    n_novel: int = 2,
    n_sets: int = 6,
    set_size: int = 3,
    image_shape: tuple[int, int, int] = (1, 6, 6),
    seed: int = 0,
) -> Probe:
    """Return a probe of images that are a template of their class and noise; candidate sets are single-class.

    Raises ValueError when no class of the pool has `set_size` examples.
    """
    draws = stream(seed, "probe")
    templates = draws.normal(0, 60, size=(n_classes + n_novel, *image_shape))
    hidden = draws.permutation(np.arange(n_pool) % (n_classes + n_novel))
    labels = np.arange(n_labeled) % n_classes

    def images(classes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Tensor:
        noise = draws.normal(0, 40, size=(len(classes), *image_shape))
        return torch.from_numpy((templates[classes] + noise).astype(np.float32))

    sets = draw_sets(hidden, n_sets, set_size, draws)
    if sets is None:
        raise ValueError(f"n_pool={n_pool} leaves no class with set_size={set_size} examples")
    return Probe(
        network=ProbeNetwork().build(image_shape, n_classes, draws).eval(),
        pool=images(hidden),
        labeled=images(labels),
        labels=torch.from_numpy(labels),
        hidden=torch.from_numpy(hidden),
        sets=torch.from_numpy(sets),
        n_classes=n_classes,
        seed=seed,
    )
