"""Strategies of last-layer gradients: BADGE and BAIT as their authors' programs run."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import pairwise_distances
from torch import Tensor

from albench.contracts.query import Query

Picks = NDArray[np.int64]
RIDGE, OVERSAMPLING = 1.0, 2
BLOCK = 200  # examples whose embeddings are held at once


def badge(query: Query, k: int) -> Picks:
    """Ash et al. 2020, github.com/JordanAsh/badge: k-means++ on embeddings of n_classes d numbers, drawn by SciPy.

    Their embeddings are filled example by example and class by class; here by one product, to count only the search.
    """
    p = query.probabilities.numpy()
    residuals = p - np.eye(p.shape[1], dtype=p.dtype)[p.argmax(axis=1)]
    points = (residuals[:, :, None] * query.features.numpy()[:, None]).reshape(len(p), -1)
    chosen = [int(np.linalg.norm(points, axis=1).argmax())]
    gaps = pairwise_distances(points, points[chosen[-1:]])[:, 0]
    draws = np.random.RandomState(0)
    while len(chosen) < k:
        squares = gaps.astype(np.float64) ** 2
        law = stats.rv_discrete(values=(np.arange(len(points)), squares / squares.sum()))
        index = int(law.rvs(random_state=draws))
        if index in chosen:
            continue
        chosen.append(index)
        gaps = np.minimum(gaps, pairwise_distances(points, points[index, None])[:, 0])
    return np.array(chosen)


def bait(query: Query, k: int) -> Picks:
    """Ash et al. 2021, github.com/JordanAsh/badge: the trace after each example, from its whole embeddings under every
    label, (C, C d), block by block; the chosen one is added by Woodbury's identity. 2 k forward, k away again.
    """
    return _bait(query, k, _by_label)


def bait_binary(query: Query, k: int) -> Picks:
    """Huseljic et al. 2024: the same search where an example has one embedding of d numbers, sqrt(q (1 - q)) f."""
    return _bait(query, k, _by_correctness)


def _by_label(features: Tensor, p: Tensor) -> Tensor:
    """Return sqrt(p_y) times the gradient under each label y, (n, C, C d)."""
    residuals = torch.eye(p.shape[1]) - p[:, None]
    return (p.sqrt()[:, :, None] * residuals)[..., None].mul(features[:, None, None]).flatten(2)


def _by_correctness(features: Tensor, p: Tensor) -> Tensor:
    best = p.amax(dim=1)
    return ((best * (1 - best)).sqrt()[:, None] * features)[:, None]


def _bait(query: Query, k: int, embed: object) -> Picks:
    assert callable(embed)
    with torch.no_grad():
        known = torch.softmax(query.network.head(query.labeled_features), dim=1)
    step = BLOCK if embed is _by_label else len(query.pool)
    pool = list(zip(query.features.split(step), query.probabilities.split(step), strict=True))
    seen = _gram(embed(query.labeled_features, known))
    every = (sum(_gram(embed(*part)) for part in pool) + seen) / (len(known) + len(query.pool))
    share = k / (len(known) + k)
    inverse = torch.linalg.inv(RIDGE * torch.eye(len(seen)) + seen / (len(known) + k))
    chosen: list[int] = []
    for _ in range(OVERSAMPLING * k):
        gains = torch.cat([_gains(embed(*part), inverse, every, share) for part in pool])
        gains[chosen] = -torch.inf
        chosen.append(int(gains.argmax()))
        inverse = _updated(inverse, embed(*_example(query, chosen[-1:]))[0], share)
    while len(chosen) > k:
        gains = _gains(embed(*_example(query, chosen)), inverse, every, -share)
        gone = chosen.pop(int(gains.argmax()))
        inverse = _updated(inverse, embed(*_example(query, [gone]))[0], -share)
    return np.array(chosen)


def _example(query: Query, rows: list[int]) -> tuple[Tensor, Tensor]:
    return query.features[rows], query.probabilities[rows]


def _gram(embeddings: Tensor) -> Tensor:
    rows = embeddings.flatten(0, 1)
    return rows.T @ rows


def _gains(x: Tensor, inverse: Tensor, every: Tensor, share: float) -> Tensor:
    """Return how much the trace falls with each example, (n,), of embeddings (n, C, D)."""
    reach = x @ inverse
    inner = torch.eye(x.shape[1]) + share * reach @ x.transpose(1, 2)
    outer = share * reach @ every @ reach.transpose(1, 2)
    gains: Tensor = torch.linalg.solve(inner, outer).diagonal(dim1=1, dim2=2).sum(dim=1)
    return gains


def _updated(inverse: Tensor, x: Tensor, share: float) -> Tensor:
    reach = inverse @ x.T
    inner = torch.eye(len(x)) + share * x @ reach
    return inverse - share * reach @ torch.linalg.solve(inner, reach.T)
