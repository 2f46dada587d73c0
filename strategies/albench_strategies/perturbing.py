"""Strategies that perturb an image, its features or the weights, and watch the prediction."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from albench import Query, Strategy
from albench_strategies.numerics.geometry import (
    farthest_first,
    kmeans,
    representatives,
    set_greedy_gains,
    square_distances,
)
from albench_strategies.numerics.geometry import within_sets as distances_within_sets
from albench_strategies.outliers import class_means

UNREACHED = 1e6  # the distance, in grey values, of a boundary to which no gradient leads


@dataclass(frozen=True)
class DeepFool(Strategy):
    """Query what a small adversarial change of the image would flip, DeepFool (Ducoffe & Precioso 2018).

    Formula: -||r||_2, r the sum of steps |z_k - z_c| w_k / ||w_k||^2 to the nearest linearised boundary, with
        w_k = d(z_k - z_c)/dx, c the class predicted at first, until the prediction changes or for `iterations` steps;
        k among the `classes` others of the highest logits; 10^6 where no gradient leads to a boundary
    Sets: the mean over the set's examples
    Cost: `iterations` (1 + `classes`) forward and backward passes over the pool, about thirty forward passes at the
        defaults, because the boundary is in the space of images, where only gradients of the whole network lead
    Source: Ducoffe, Precioso 2018, Adversarial active learning for deep networks: a margin based approach,
        arXiv:1802.09841
    """

    results_version: ClassVar[int] = 1

    iterations: Annotated[int, Ge(1)] = 3
    classes: Annotated[int, Ge(1)] = 4
    overshoot: Annotated[float, Gt(0)] = 0.02

    def score(self, query: Query) -> Tensor:
        """Return minus the length of the change, (n_pool,), in grey values, at most 0."""
        return torch.cat([self._distances(query, part) for part in torch.split(query.pool, query.batch_size)]).neg_()

    def _distances(self, query: Query, images: Tensor) -> Tensor:
        if query.n_classes == 1:
            return images.new_full((len(images),), UNREACHED)
        moved = torch.zeros_like(images)
        first, active = None, None
        for _ in range(self.iterations):
            x = (images + (1 + self.overshoot) * moved).requires_grad_()
            with torch.enable_grad():
                logits = query.network(x)
            if first is None:
                first = logits.detach().argsort(dim=1, descending=True)[:, : self.classes + 1]
            still = logits.detach().argmax(dim=1) == first[:, 0]
            active = still if active is None else active & still
            step = _step_to_boundary(logits, x, first)
            moved = moved + step * active.view(-1, *(1 for _ in images.shape[1:]))
        lengths = moved.flatten(1).norm(dim=1)
        return torch.where(lengths > 0, lengths.clamp_max(UNREACHED), UNREACHED)


def _step_to_boundary(logits: Tensor, x: Tensor, classes: Tensor) -> Tensor:
    """Return the shortest step to the linearised boundary with one of `classes[:, 1:]`, of x's shape."""
    best = logits.new_full((len(x),), torch.inf)
    step = torch.zeros_like(x)
    with torch.enable_grad():
        chosen = logits.gather(1, classes)
        gaps = chosen[:, :1] - chosen[:, 1:]
    for place in range(gaps.shape[1]):
        (gradient,) = torch.autograd.grad(gaps[:, place].sum(), x, retain_graph=True)
        square = gradient.flatten(1).square().sum(dim=1)
        gap = gaps[:, place].detach().clamp_min(0) + 1e-4  # a tie needs a step too
        length = torch.where(square > 0, gap / square.sqrt(), torch.inf)
        closer = length < best
        best = torch.where(closer, length, best)
        factor = torch.where(closer, -gap / square.clamp_min(torch.finfo(square.dtype).tiny), 0)
        shape = (-1, *(1 for _ in x.shape[1:]))
        step = torch.where(closer.view(shape), gradient * factor.view(shape), step)
    return step.detach()


@dataclass(frozen=True)
class AlfaMix(Strategy):
    """Query what changes its class when mixed a little with labelled features, ALFA-Mix (Parvaneh et al. 2022).

    In closed form a mix of the features z with a class's mean m is z + e ||m - z|| g / (||g|| sqrt(d)), g the loss
    gradient at the predicted label. The head is linear, so the smallest e that changes the prediction is exact. The
    paper raises e until it has candidates enough, and represents those by k-means, as `select` does.

    Formula: -e / (1 + e), e the least over classes with labels; -1 where no mix changes the prediction
    Sets: the mean over the set's examples
    Cost: O(N' C d), and O(20 N' k d) to select
    Source: Parvaneh et al. 2022, Active learning by feature mixing, CVPR
    """

    results_version: ClassVar[int] = 1

    step: Annotated[float, Gt(0)] = 1 / 32  # by which select raises e

    def score(self, query: Query) -> Tensor:
        """Return how little mixing changes the prediction, (n_pool,), in [-1, 0]."""
        least = self._least_mix(query)
        return torch.where(least.isinf(), -1.0, -least / (1 + least))

    def select(self, query: Query, k: int) -> Tensor:
        """Return the candidates nearest to k centres of k-means, (min(k, n_pool),)."""
        least = self._least_mix(query)
        k = min(k, len(least))
        enough = least.sort().values[k - 1]
        limit = torch.ceil(enough / self.step) * self.step if bool(enough.isfinite()) else enough
        candidates = torch.nonzero(least <= limit)[:, 0]
        points = query.features[candidates]
        centres, _ = kmeans(points, k)
        return candidates[representatives(points, centres, k)]

    def _least_mix(self, query: Query) -> Tensor:
        """Return the smallest e that changes the prediction, (n_pool,); infinite where none does."""
        features, head = query.features, query.network.head.weight.detach()
        means, present = class_means(query.labeled_features, query.labels, query.n_classes)
        farthest = square_distances(features, means[present]).amax(dim=1).sqrt() / features.shape[1] ** 0.5
        p = query.probabilities
        predicted = p.argmax(dim=1, keepdim=True)
        gradient = (p - torch.zeros_like(p).scatter_(1, predicted, 1.0)) @ head
        direction = gradient / gradient.norm(dim=1, keepdim=True).clamp_min(torch.finfo(p.dtype).tiny)
        slopes = direction @ head.T
        closing = slopes - slopes.gather(1, predicted)
        gaps = query.logits.gather(1, predicted) - query.logits
        others = torch.ones_like(p).scatter_(1, predicted, 0.0).bool()
        reach = torch.where(others & (closing > 0), gaps / closing.clamp_min(torch.finfo(p.dtype).tiny), torch.inf)
        reach = reach.amin(dim=1)
        return torch.where(farthest > 0, reach / farthest.clamp_min(torch.finfo(p.dtype).tiny), torch.inf)


@dataclass(frozen=True)
class NoiseStability(Strategy):
    """Query what moves most, and differently, when noise is added to the weights (Li et al. 2024).

    Each of `samples` noises is Gaussian, scaled for each weight tensor to `scale` times its length.

    Formula: the features' deviations f(x; theta + noise_t) - f(x; theta) over all t, as one vector; its length for an
        example, and k-center greedy on the vectors for a batch, the longest first
    Sets: the mean distance at which the set's members are picked farthest first, the length for the first one
    Cost: `samples` + 1 forward passes over the pool, O(n_sets K^2 d samples) for sets, O(k N' d samples) to select
    Source: Li et al. 2024, Deep active learning with noise stability, AAAI
    """

    results_version: ClassVar[int] = 1

    samples: Annotated[int, Ge(1)] = 6
    scale: Annotated[float, Gt(0)] = 1e-3

    def score(self, query: Query) -> Tensor:
        """Return the length of each example's deviations, (n_pool,), relative to `scale`."""
        lengths: Tensor = self._deviations(query).norm(dim=1)
        return lengths

    def score_sets(self, query: Query) -> Tensor:
        """Return the mean greedy distance of each set, (n_sets,)."""
        points = self._deviations(query)
        start = points.norm(dim=1)[query.sets]
        return set_greedy_gains(distances_within_sets(points, query.sets).sqrt(), start, keep_start=False)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples picked by k-center greedy, (min(k, n_pool),)."""
        points = self._deviations(query)
        return farthest_first(
            points.norm(dim=1), k, lambda index: square_distances(points, points[index, None])[:, 0].sqrt(), False
        )

    def _deviations(self, query: Query) -> Tensor:
        """Return all samples' deviations side by side, (n_pool, samples d), divided by `scale`."""
        parts = []
        for _ in range(self.samples):
            network = _with_noise(query.network, self.scale, query.generator)
            with torch.no_grad():
                moved = torch.cat([network.features(part) for part in torch.split(query.pool, query.batch_size)])
            parts.append((moved - query.features) / self.scale)
        return torch.cat(parts, dim=1)


def _with_noise(network: Any, scale: float, generator: torch.Generator) -> Any:
    """Return a copy whose weight tensors, biases apart, carry Gaussian noise of `scale` times their length."""
    noisy = copy.deepcopy(network)
    with torch.no_grad():
        for name, value in noisy.named_parameters():
            if name.rpartition(".")[2] == "weight":
                noise = torch.randn(value.shape, generator=generator).to(value)
                value.add_(noise * (scale * value.norm() / noise.norm().clamp_min(torch.finfo(value.dtype).tiny)))
    return noisy
