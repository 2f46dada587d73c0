"""Strategies of covers: k-center greedy, ProbCover, MaxHerding and UHerding as their authors' programs run."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances
from torch import Tensor
from torch.nn import functional as F

from albench.contracts.query import Query

Picks = NDArray[np.int64]
BLOCK = 500  # rows of distances at once


def coreset(query: Query, k: int) -> Picks:
    """Sener & Savarese 2018, by google/active-learning's KCenterGreedy, which most programs copy."""
    points = query.features.numpy()
    gaps = pairwise_distances(points, query.labeled_features.numpy()).min(axis=1)
    chosen: list[int] = []
    for _ in range(k):
        chosen.append(int(gaps.argmax()))
        gaps = np.minimum(gaps, pairwise_distances(points, points[chosen[-1:]])[:, 0])
    return np.array(chosen)


def probcover(query: Query, k: int, radius: float) -> Picks:
    """Yehuda et al. 2022, github.com/avihu111/TypiClust: edges between all points within the radius, found once and in
    blocks; after each pick those to covered points are left out, and the rest counted again.
    """
    points = F.normalize(torch.cat([query.labeled_features, query.features]))
    n_labeled = len(query.labeled)
    found = [(torch.cdist(part, points) < radius).nonzero() for part in torch.split(points, BLOCK)]
    starts = np.concatenate([edges[:, 0].numpy() + BLOCK * place for place, edges in enumerate(found)])
    ends = np.concatenate([edges[:, 1].numpy() for edges in found])
    covered = np.unique(ends[np.isin(starts, np.arange(n_labeled))])
    chosen: list[int] = []
    while True:
        left = ~np.isin(ends, covered)
        starts, ends = starts[left], ends[left]
        if len(chosen) == k:
            return np.array(chosen) - n_labeled
        degrees = np.bincount(starts, minlength=len(points))
        degrees[:n_labeled], degrees[chosen] = -1, -1
        chosen.append(int(degrees.argmax()))
        covered = ends[starts == chosen[-1]]


def max_herding(query: Query, k: int, width: float = 1.0) -> Picks:
    """Bae et al. 2024, github.com/BorealisAI/uherding: the kernel of all points with all, kept; at each pick the gains
    of all candidates from all of it. Their program takes a random part of large pools, this one does not.
    """
    return _herding(query, k, width, torch.ones(len(query.pool)))


def uherding(query: Query, k: int) -> Picks:
    """Bae et al. 2025, same program: MaxHerding weighted by one minus the margin, at the temperature of 1.0 to 19.9
    that calibrates a head fitted to 70 % of the labels best, with the labels' smallest distance as width.
    """
    labeled = query.labeled_features
    n_held = int(0.3 * len(labeled))
    head = LogisticRegression(C=1.0).fit(labeled[n_held:].numpy(), query.labels[n_held:].numpy())
    logits = torch.from_numpy(head.decision_function(labeled[:n_held].numpy()))
    answers = torch.searchsorted(torch.from_numpy(head.classes_), query.labels[:n_held])
    errors = [_calibration_error(torch.softmax(logits / (1 + step / 10), dim=1), answers) for step in range(190)]
    temperature = 1 + int(np.argmin(errors)) / 10
    best = torch.softmax(query.logits / temperature, dim=1).topk(2, dim=1).values
    apart = torch.cdist(F.normalize(labeled), F.normalize(labeled)) + 4 * torch.eye(len(labeled))
    return _herding(query, k, float(apart.min()), 1 - (best[:, 0] - best[:, 1]))


def _herding(query: Query, k: int, width: float, weights: Tensor) -> Picks:
    points, labeled = F.normalize(query.features), F.normalize(query.labeled_features)
    kernel = torch.cdist(points, points).square_().div_(-(width**2)).exp_()
    covered = torch.cdist(points, labeled).square_().div_(-(width**2)).exp_().amax(dim=1)
    chosen: list[int] = []
    for _ in range(k):
        gains = torch.cat([(rows - covered).clamp_min_(0) @ weights for rows in torch.split(kernel, BLOCK)])
        gains[chosen] = -torch.inf
        chosen.append(int(gains.argmax()))
        covered = covered.maximum(kernel[chosen[-1]])
    return np.array(chosen)


def _calibration_error(posteriors: Tensor, labels: Tensor, n_bins: int = 20) -> float:
    sure, predicted = posteriors.max(dim=1)
    right = (predicted == labels).to(sure)
    error = 0.0
    for low in torch.linspace(0, 1, n_bins + 1)[:-1]:
        inside = (sure > low) & (sure <= low + 1 / n_bins)
        if bool(inside.any()):
            error += float((sure[inside] - right[inside]).mean().abs() * inside.float().mean())
    return error
