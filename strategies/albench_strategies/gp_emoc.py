"""EMOC in closed form for Gaussian processes: the origin of the principle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt
from torch import Tensor
from torch.nn import functional as F

from albench import Query, Strategy
from albench_strategies.numerics.geometry import CHUNK_ELEMENTS, square_distances


@dataclass(frozen=True)
class GpEmoc(Strategy):
    """Query what changes a Gaussian process on the features most, in closed form (Freytag et al. 2014).

    One-vs-all regression on labels of -1 and 1 with the kernel exp(-||f - f'||^2 / (2 l^2)), l^2 the median squared
    distance between labelled examples over 2, and `noise` the variance of the labels.

    Formula: mean_x |cov(x, x')| / (var(x') + noise) * sum_y p(y | x') sum_c |y_c - m_c(x')|, with m, cov and var of
        the posterior process, x all images, and p(y | x') proportional to Phi(m_y / sqrt(var + noise))
    Sets: the mean over the set's examples
    Cost: O(n_labeled^3 + N N' n_labeled), N all images
    Source: Freytag, Rodner, Denzler 2014, Selecting influential examples: active learning with expected model output
        changes, ECCV
    """

    results_version: ClassVar[int] = 1

    noise: Annotated[float, Gt(0)] = 0.1

    def score(self, query: Query) -> Tensor:
        """Return the expected change of the outputs, (n_pool,), at least 0."""
        labeled, pool = query.labeled_features.double(), query.features.double()
        width = _median_square(labeled)
        gram = _kernel(labeled, labeled, width)
        gram.diagonal().add_(self.noise)
        root = torch.linalg.cholesky(gram)
        targets = 2 * F.one_hot(query.labels, query.n_classes).double() - 1
        known, reached = (
            torch.linalg.solve_triangular(root, _kernel(labeled, points, width), upper=False)
            for points in (labeled, pool)
        )
        mean = reached.T @ torch.linalg.solve_triangular(root, targets, upper=False)
        variance = (1 - reached.square().sum(dim=0)).clamp_min(0) + self.noise
        total = _sum_of_covariances(pool, labeled, reached, known, width) + _sum_of_covariances(
            pool, pool, reached, reached, width
        )
        change = total / (len(labeled) + len(pool)) / variance
        expected: Tensor = change * _expected_surprise(mean, variance)
        return expected


def _kernel(points: Tensor, others: Tensor, width: float) -> Tensor:
    return torch.exp(-square_distances(points, others) / (2 * width))


def _median_square(points: Tensor) -> float:
    """Return half the median squared distance between different points; 1 where there is none."""
    squares = square_distances(points, points)
    upper = torch.ones_like(squares).triu(diagonal=1).bool()
    apart = squares[upper & (squares > 1e-12 * (1 + points.square().sum(dim=1).amax()))]
    return float(apart.median()) / 2 if len(apart) else 1.0


def _sum_of_covariances(pool: Tensor, images: Tensor, reached: Tensor, known: Tensor, width: float) -> Tensor:
    """Return sum over images x of |cov(x, x')| for each pool example x', (n_pool,)."""
    step = max(1, CHUNK_ELEMENTS // len(images))
    parts = []
    for points, columns in zip(torch.split(pool, step), torch.split(reached, step, dim=1), strict=True):
        covariance = _kernel(points, images, width).addmm_(columns.T, known, alpha=-1)
        parts.append(covariance.abs_().sum(dim=1))
    return torch.cat(parts)


def _expected_surprise(mean: Tensor, variance: Tensor) -> Tensor:
    """Return sum_y p(y) sum_c |y_c - m_c|, (n,), for one-vs-all means, (n, C)."""
    chance = torch.special.ndtr(mean / variance.sqrt()[:, None]).clamp_min(1e-12)
    chance = chance / chance.sum(dim=1, keepdim=True)
    positive, negative = (1 - mean).abs(), (1 + mean).abs()
    surprise = negative.sum(dim=1, keepdim=True) - negative + positive
    expected: Tensor = (chance * surprise).sum(dim=1)
    return expected
