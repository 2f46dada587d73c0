"""Out-of-distribution scores used as queries: what the network has not seen may be a new class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt
from torch import Tensor

from albench import Query, Strategy
from albench_strategies.numerics.geometry import square_distances


@dataclass(frozen=True)
class Energy(Strategy):
    """Query where the free energy is highest, that is, where all logits are low (Liu et al. 2020).

    Formula: -T log sum_c exp(z_c / T), T the `temperature`
    Sets: the mean over the set's examples
    Cost: O(N' C)
    Source: Liu, Wang, Owens, Li 2020, Energy-based out-of-distribution detection, NeurIPS
    """

    results_version: ClassVar[int] = 1

    temperature: Annotated[float, Gt(0)] = 1.0

    def score(self, query: Query) -> Tensor:
        """Return the free energy, (n_pool,), in units of the logits."""
        return -self.temperature * torch.logsumexp(query.logits / self.temperature, dim=1)


@dataclass(frozen=True)
class MaxLogit(Strategy):
    """Query where the largest logit is smallest (Hendrycks et al. 2022).

    Formula: -max_c z_c
    Sets: the mean over the set's examples
    Cost: O(N' C)
    Source: Hendrycks et al. 2022, Scaling out-of-distribution detection for real-world settings, ICML
    """

    results_version: ClassVar[int] = 1

    def score(self, query: Query) -> Tensor:
        """Return minus the largest logit, (n_pool,)."""
        return -query.logits.amax(dim=1)


@dataclass(frozen=True)
class Mahalanobis(Strategy):
    """Query what is far from every class mean, by the classes' common covariance (Lee et al. 2018).

    Of the paper's detector this is the part of the last features: it also moves each image by a gradient step towards
    its nearest class, and weighs the distances of all layers by a regression on outliers, which nobody has here.

    Formula: min_c (f - m_c)^T S^-1 (f - m_c), m_c and S from the labelled features, S plus `ridge` times its mean
        variance on the diagonal, so that it can be inverted
    Sets: the mean over the set's examples
    Cost: O(n_labeled d^2 + d^3 + N' (d^2 + C d))
    Source: Lee, Lee, Lee, Shin 2018, A simple unified framework for detecting out-of-distribution samples, NeurIPS
    """

    results_version: ClassVar[int] = 1

    ridge: Annotated[float, Gt(0)] = 1e-3

    def score(self, query: Query) -> Tensor:
        """Return the squared distance to the nearest class mean, (n_pool,), at least 0."""
        labeled, labels = query.labeled_features.double(), query.labels
        means, present = class_means(labeled, labels, query.n_classes)
        residuals = labeled - means[labels]
        covariance = residuals.T @ residuals / len(labeled)
        scale = self.ridge * float(covariance.diagonal().mean())
        covariance.diagonal().add_(scale if scale > 0 else self.ridge)
        root = torch.linalg.cholesky(covariance)
        whitened, centres = (
            torch.linalg.solve_triangular(root, points.T, upper=False).T
            for points in (query.features.double(), means[present])
        )
        return square_distances(whitened, centres).amin(dim=1)


def class_means(features: Tensor, labels: Tensor, n_classes: int) -> tuple[Tensor, Tensor]:
    """Return the mean of each class, (n_classes, d), 0 for one without labels, and which classes have labels."""
    counts = torch.bincount(labels, minlength=n_classes)
    sums = torch.zeros(n_classes, features.shape[1], dtype=features.dtype, device=features.device)
    means = sums.index_add_(0, labels, features) / counts.clamp_min(1)[:, None]
    return means, counts > 0
