"""The reference size: 3,000 images, 2,000 pairs, 20 classes, `cifar10-quick`; real CIFAR-100 where there is some.

CIFAR-100 is looked for as `albench run --offline` does (ALBENCH_DATA); without it images are smooth noise.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

import albench
from albench.bench import Size
from albench.bench.queries import make_benchmark_query
from albench.contracts.learner import Examples
from albench.datadir import OFFLINE
from albench.errors import DataError
from albench.training.finetune import Finetune
from albench.training.model import Model
from albench_strategies.emoc.problem import Problem
from albench_strategies.numerics.gradients.recorder import Recorder

N_SETS, SET_SIZE = 1000, 25


@dataclass(frozen=True)
class Reference:
    """A query at the reference size: each pool image with the label that the network gives it."""

    network: nn.Module
    pool: Tensor
    labeled: Tensor
    labels: Tensor
    source: str

    @property
    def images(self) -> Tensor:
        """The images of the expectation, in random order."""
        images = torch.cat([self.labeled, self.pool])
        return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]

    def problem(
        self, n_images: int | None = None, device: str = "cpu", precision: str = "tf32", softmax: bool = False
    ) -> Problem:
        """Return the problem over the first n images of the expectation, or all."""
        pool = self.pool.to(device)
        return Problem(
            Recorder(self.network.to(device), linear_only=False),
            self.images[:n_images].to(device),
            pool,
            torch.arange(len(pool), device=device),
            self.labels.to(device),
            softmax=softmax,
            precision=precision,
        )

    def set_scores(self, scores: Tensor) -> Tensor:
        """Return the scores of 1,000 random candidate sets."""
        draws = np.random.default_rng(0)
        sets = np.stack([draws.choice(len(scores), SET_SIZE, replace=False) for _ in range(N_SETS)])
        return scores.cpu()[torch.from_numpy(sets)].mean(dim=1)


@cache
def reference(iterations: int, seed: int = 0) -> Reference:
    """Return the first query of a seed's cell after so many iterations of training, all 20 classes with an output."""
    os.environ.setdefault(OFFLINE, "1")
    try:
        split = albench.scenario("cifar100").split(seed)
    except DataError:
        query = make_benchmark_query(Size(sets=1))
        return Reference(query.network, query.pool, query.labeled, query.logits.argmax(dim=1), "smooth noise")
    initial = Examples(split.images[split.initial], split.labels[split.initial])
    model = Model(albench.network("cifar10-quick"), seed, split.known, initial.inputs, "cpu")
    if iterations:
        Finetune(initial_iterations=iterations).fit(model, initial)
    for label in split.novel:
        model.grow(label)
    network, pool = model.snapshot(), model.prepare(split.images[split.pool])
    with torch.no_grad():
        labels = torch.cat([network(part) for part in torch.split(pool, 250)]).argmax(dim=1)
    return Reference(network, pool, model.prepare(initial.inputs), labels, "CIFAR-100")
