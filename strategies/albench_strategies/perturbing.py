"""Strategies that perturb an image, its features or the weights, and watch the prediction."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor
from torch.nn import functional as F

from albench import Query, Strategy
from albench_strategies.numerics.clustering import kmeans, representatives
from albench_strategies.numerics.geometry import farthest_first, set_greedy_gains, square_distances
from albench_strategies.numerics.geometry import within_sets as distances_within_sets
from albench_strategies.outliers import class_means

UNREACHED = 1e6  # the distance, in grey values, of a boundary to which no gradient leads
HELD_NUMBERS = 1 << 26  # of the deviations among which noise-stability selects


@dataclass(frozen=True)
class DeepFool(Strategy):
    """Query what a small adversarial change of the image would flip, DeepFool (Ducoffe & Precioso 2018).

    The paper adds the changed image to the training set too, under the same label; here the original alone is
    labelled. It steps until the prediction changes; here it is `iterations` times at most, and towards the `classes`
    others of the highest logits, so that the length is that of what the steps reached.

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
    gradient at the predicted label. The head is linear, so the smallest e that changes the prediction is exact.
    `select` does as the authors' program: it raises e by `step` up to 1 until more than k examples change their
    prediction, and asks for the nearest to each of k centres of k-means on their features of unit length; where too
    few change, the rest are drawn at random. Their k-means starts at random and ours does not; they look for a mix
    by gradient steps too, with a `step` of 1/32, where here is the closed form alone. The score is ours: the paper
    ranks nothing.

    Formula: -e / (1 + e), e the least over classes with labels; -1 where no mix changes the prediction
    Sets: the mean over the set's examples
    Cost: O(N' C d), and O(20 N' k d) to select
    Source: Parvaneh et al. 2022, Active learning by feature mixing, CVPR
    """

    results_version: ClassVar[int] = 3

    step: Annotated[float, Gt(0), Le(1)] = 0.2  # by which select raises e

    def score(self, query: Query) -> Tensor:
        """Return how little mixing changes the prediction, (n_pool,), in [-1, 0]."""
        least = self._least_mix(query)
        return torch.where(least.isinf(), -1.0, -least / (1 + least))

    def select(self, query: Query, k: int) -> Tensor:
        """Return the candidates nearest to k centres of k-means, then others at random, (min(k, n_pool),)."""
        candidates = self._candidates(self._least_mix(query), k)
        if len(candidates) > 0:
            points = F.normalize(query.features[candidates], dim=1)
            centres, _ = kmeans(points, min(k, len(points)))
            candidates = candidates[representatives(points, centres, k)]
        others = torch.ones_like(query.pool_ids, dtype=torch.bool).index_fill_(0, candidates, False).nonzero()[:, 0]
        drawn = torch.randperm(len(others), generator=query.generator)[: k - len(candidates)]
        return torch.cat([candidates, others[drawn.to(others.device)]])

    def _candidates(self, least: Tensor, k: int) -> Tensor:
        """Return the examples that the first multiple of `step` changes of which there are more than k, or 1 does."""
        steps = math.ceil(1 / self.step)
        enough = float(least.sort().values[k]) if k < len(least) else math.inf
        if math.isfinite(enough):
            steps = min(steps, max(1, math.ceil(enough / self.step)))
        return torch.nonzero(least <= steps * self.step)[:, 0]

    def _least_mix(self, query: Query) -> Tensor:
        """Return the smallest e that changes the prediction, (n_pool,); infinite where none does."""
        features, head = query.features, query.network.head.weight.detach()
        means, present = class_means(query.labeled_features, query.labels, query.n_classes)
        farthest = square_distances(features, means[present]).amax(dim=1).sqrt() / features.shape[1] ** 0.5
        predicted = query.logits.argmax(dim=1, keepdim=True)
        is_other = torch.ones_like(query.logits).scatter_(1, predicted, 0.0).bool()
        tiny = torch.finfo(features.dtype).tiny
        # Along the gradient (p - e_c) W, however close p_c is to 1.
        shares = torch.softmax(query.logits.where(is_other, -torch.inf), dim=1).scatter(1, predicted, -1.0)
        direction = F.normalize(shares @ head, dim=1, eps=tiny)
        slopes = direction @ head.T
        closing = slopes - slopes.gather(1, predicted)
        gaps = query.logits.gather(1, predicted) - query.logits
        reach = torch.where(is_other & (closing > 0), gaps / closing.clamp_min(tiny), torch.inf).amin(dim=1)
        return torch.where(farthest > 0, reach / farthest.clamp_min(tiny), torch.inf)


@dataclass(frozen=True)
class NoiseStability(Strategy):
    """Query whose posterior moves most, and differently, when noise is added to the weights (Li et al. 2024).

    Each of `samples` noises is Gaussian: every tensor named "weight", biases apart, gets normal numbers scaled to
    `scale` times its length, drawn from the strategy's stream noise by noise and in the order of the network's
    parameters. The paper takes 30 to 50 noises of this scale, and features in place of posteriors for regression. It
    values no sets, which are valued here by the rule by which it selects.

    Formula: the deviations (p(x; theta + noise_t) - p(x; theta)) / ||p(x; theta)|| over all t, as one vector; its
        length for an example, and k-center greedy on the vectors for a batch, with the origin as the first centre
    Sets: the mean distance, to the origin or the nearest member picked before, at which the set's members are picked
        farthest first
    Cost: `samples` + 1 forward passes over the pool, because each noise makes another network; O(n_sets K^2 C samples)
        for sets; O(k N' C samples) to select, among at most 2^26 / (C samples) examples, those that move most
    Source: Li et al. 2024, Deep active learning with noise stability, AAAI
    """

    results_version: ClassVar[int] = 2

    samples: Annotated[int, Ge(1)] = 30
    scale: Annotated[float, Gt(0)] = 1e-3

    def score(self, query: Query) -> Tensor:
        """Return the length of each example's deviations, (n_pool,), at least 0."""
        squares = torch.zeros_like(query.features[:, 0])
        for deviations in self._deviations(query):
            squares += deviations.square().sum(dim=1)
        return squares.sqrt_()

    def score_sets(self, query: Query) -> Tensor:
        """Return the mean greedy distance of each set, (n_sets,), at least 0."""
        start, between = torch.zeros_like(query.features[:, 0]), torch.zeros((), device=query.device)
        for deviations in self._deviations(query):
            start += deviations.square().sum(dim=1)
            between = between + distances_within_sets(deviations, query.sets)
        return set_greedy_gains(between.sqrt(), start.sqrt()[query.sets], keep_start=True)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples picked by k-center greedy from the origin, (min(k, n_pool),)."""
        rows = self._rows(query, max(k, HELD_NUMBERS // (self.samples * query.n_classes)))
        points = torch.cat([deviations[rows] for deviations in self._deviations(query)], dim=1)

        def distances_to(index: int) -> Tensor:
            return torch.cdist(points, points[index, None], compute_mode="donot_use_mm_for_euclid_dist")[:, 0]

        return rows[farthest_first(points.norm(dim=1), k, distances_to, keep_start=True)]

    def _rows(self, query: Query, most: int) -> Tensor:
        """Return the examples among which to select: all, or the `most` of the longest deviations.

        The distance to the origin bounds every gain, so that the short ones would be picked last.
        """
        if len(query.pool) <= most:
            return torch.arange(len(query.pool), device=query.device)
        state = query.generator.get_state()
        rows = self.score(query).topk(most).indices.sort().values
        query.generator.set_state(state)  # the same noises again
        return rows

    def _deviations(self, query: Query) -> Iterator[Tensor]:
        """Yield each noise's deviations of the posteriors in units of their own lengths, (n_pool, n_classes)."""
        clean = query.probabilities
        lengths = clean.norm(dim=1, keepdim=True)
        for _ in range(self.samples):
            network = _with_noise(query.network, self.scale, query.generator)
            with torch.no_grad():
                logits = torch.cat([network(part) for part in torch.split(query.pool, query.batch_size)])
            yield (torch.softmax(logits, dim=1) - clean) / lengths


def _with_noise(network: Any, scale: float, generator: torch.Generator) -> Any:
    """Return a copy whose weight tensors, biases apart, carry Gaussian noise of `scale` times their length."""
    noisy = copy.deepcopy(network)
    with torch.no_grad():
        for name, value in noisy.named_parameters():
            if name.rpartition(".")[2] == "weight":
                noise = torch.randn(value.shape, generator=generator).to(value)
                value.add_(noise * (scale * value.norm() / noise.norm().clamp_min(torch.finfo(value.dtype).tiny)))
    return noisy
