"""UHerding: MaxHerding that covers what is uncertain, its parameters adapted to the labels there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn import functional as F

from albench import Query
from albench_strategies.covering import CoverStrategy
from albench_strategies.numerics.geometry import CHUNK_ELEMENTS, Cloud
from albench_strategies.numerics.heads import fitted_heads, standardised

HELD_OUT = 0.3  # of the labelled examples, to calibrate on
RIDGE, STEPS = 1e-2, 100  # of the head that is calibrated, as in `qbc`


@dataclass(frozen=True)
class UHerding(CoverStrategy):
    """Query what covers most of the pool's uncertainty that the labelled examples do not, UHerding (Bae et al. 2025).

    Where `width` or `temperature` is 0 it is adapted in every round, as the authors do, and noted. The width is the
    smallest distance above 0 between labelled examples, 1 where there is none. The temperature is the one of 1.0,
    1.1, ..., 19.9 with the smallest expected calibration error, in C bins, on 30 % of the labelled examples. The
    authors train the network again on the other 70 %; here that is a linear head on its features, since the network
    is everybody's, and the 30 % are drawn, not the last ones, which may be all of a class. Their features are
    self-supervised by default; these are the classifier's, unless the scenario is of features.

    Formula: mean_x u(x) max(0, k(x, s) - max over labelled l of k(x, l)), u = 1 - (p_(1) - p_(2)) of the softmax at the
        temperature, k(x, y) = exp(-||x - y||^2 / width^2) on features of unit norm
    Sets: mean_x u(x) max(0, max over the set's members s of k(x, s) - max over labelled l of k(x, l))
    Cost: O(N'^2 d + n_sets K N') for sets, O(N'^2 d) to select, and O(n_labeled (n_labeled + 100 C) d) to adapt
    Source: Bae, Oliveira, Sutherland 2025, Uncertainty herding: one active learning method for all label budgets, ICLR
    """

    results_version: ClassVar[int] = 1

    width: Annotated[float, Ge(0)] = 0.0
    temperature: Annotated[float, Ge(0)] = 0.0

    def _width(self, query: Query, points: Tensor) -> float:  # noqa: ARG002
        width = self.width or smallest_distance(F.normalize(query.labeled_features)) or 1.0
        query.note("width", width)
        return width

    def _weights(self, query: Query) -> Tensor:
        """Return one minus the margin of the posterior at the temperature, (n_pool,)."""
        temperature = self.temperature or calibrated_temperature(query)
        query.note("temperature", temperature)
        posterior = torch.softmax(query.logits / temperature, dim=1)
        best = posterior.topk(min(2, query.n_classes), dim=1).values
        return 1 - (best[:, 0] - best[:, 1]) if query.n_classes > 1 else 1 - best[:, 0]

    def _tie_break(self, cloud: Cloud) -> Tensor:
        return torch.zeros_like(cloud.norms)

    def _kernel(self, squares: Tensor, width: float) -> Tensor:
        return torch.threshold_(squares, rounding(squares), 0).mul_(-1 / width**2).exp_()


def rounding(values: Tensor) -> float:
    """Return what a squared distance between equal points of unit norm may come to."""
    return 8 * torch.finfo(values.dtype).eps


def smallest_distance(points: Tensor) -> float:
    """Return the smallest distance between two points of unit norm that are not the same, 0 where there is none."""
    step = max(1, CHUNK_ELEMENTS // max(1, len(points)))
    smallest = torch.inf
    for part in torch.split(points, step):  # by differences, which round less than products
        distances = torch.cdist(part, points, compute_mode="donot_use_mm_for_euclid_dist")
        smallest = min(smallest, float(distances.where(distances.square() > rounding(points), torch.inf).amin()))
    return smallest if smallest < torch.inf else 0.0


def calibrated_temperature(query: Query) -> float:
    """Return the temperature at which a head fitted to 70 % of the labels is best calibrated on the others."""
    n = len(query.labels)
    order = torch.randperm(n, generator=query.generator).to(query.device)
    held, fit = order[: int(HELD_OUT * n)], order[int(HELD_OUT * n) :]
    if not len(held):
        return 1.0
    features = query.labeled_features.double()
    inputs, others = standardised(features[fit], features[held])
    targets = F.one_hot(query.labels[fit], query.n_classes).double()
    shares = torch.full((1, len(fit)), 1 / len(fit), dtype=torch.float64, device=query.device)
    logits = others @ fitted_heads(inputs, targets, shares, RIDGE, STEPS)[0]
    temperatures = [1 + step / 10 for step in range(190)]
    return min(temperatures, key=lambda t: calibration_error(torch.softmax(logits / t, dim=1), query.labels[held]))


def calibration_error(posteriors: Tensor, labels: Tensor) -> float:
    """Return the expected calibration error, in as many equal bins of confidence as there are classes."""
    confidence, predicted = posteriors.max(dim=1)
    n_bins = posteriors.shape[1]
    place = (confidence * n_bins).ceil().long().clamp(1, n_bins) - 1
    gaps = torch.zeros(n_bins, dtype=posteriors.dtype, device=posteriors.device)
    gaps.index_add_(0, place, confidence - (predicted == labels).to(confidence))
    return float(gaps.abs().sum() / len(labels))
