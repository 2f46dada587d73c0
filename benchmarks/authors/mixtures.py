"""ALFA-Mix, Cluster-Margin, and semi-supervised k-means for novel classes as their authors' programs run."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import euclidean_distances
from torch import Tensor
from torch.nn import functional as F

from albench.contracts.query import Query

Picks = NDArray[np.int64]
Posterior = NDArray[Any]


def alfa_mix(query: Query, k: int, step: float = 0.2) -> Picks:
    """Parvaneh et al. 2022, github.com/AminParvaneh/alpha_mix_active_learning, closed form: a cap that grows by `step`;
    at each, all features are mixed with every class's mean, and the head predicts the mixes; k-means on what changed.
    """
    features, head = query.features, query.network.head
    with torch.enable_grad():
        inputs = features.clone().requires_grad_()
        logits = head(inputs)
        predicted = logits.argmax(dim=1)
        (gradients,) = torch.autograd.grad(F.cross_entropy(logits, predicted, reduction="sum"), inputs)
    changed = torch.zeros(len(features), dtype=torch.bool)
    cap = 0.0
    while int(changed.sum()) <= k and cap < 1:
        cap += step
        changed = _changed_by(query, predicted, gradients, cap / features.shape[1] ** 0.5)
    rows = changed.nonzero()[:, 0].numpy()
    points = F.normalize(features[changed]).numpy()
    fitted = KMeans(min(k, len(points)), n_init=1, random_state=0).fit(points)
    squares = ((points - fitted.cluster_centers_[fitted.labels_]) ** 2).sum(axis=1)
    members = [np.flatnonzero(fitted.labels_ == place) for place in range(fitted.n_clusters)]
    chosen = np.array([rows[of[squares[of].argmin()]] for of in members if len(of)])
    rest = np.setdiff1d(np.arange(len(features)), chosen)
    return np.concatenate([chosen, np.random.RandomState(0).choice(rest, k - len(chosen), replace=False)])


def _changed_by(query: Query, predicted: Tensor, gradients: Tensor, radius: float) -> Tensor:
    changed = torch.zeros_like(predicted, dtype=torch.bool)
    for label in query.labels.unique():
        away = query.labeled_features[query.labels == label].mean(dim=0) - query.features
        lengths = gradients.norm(dim=1, keepdim=True).clamp_min(1e-30)
        alpha = radius * away.norm(dim=1, keepdim=True) * gradients / lengths / (away + 1e-8)
        mixed = alpha * (query.features + away) + (1 - alpha) * query.features
        with torch.no_grad():
            changed |= query.network.head(mixed).argmax(dim=1) != predicted
    return changed


def cluster_margin(query: Query, k: int, cluster_size: float = 10.0, part: int | None = None) -> Picks:
    """Citovsky et al. 2021, written from the paper's algorithms 1 and 2, whose program is not public: average linkage,
    the 10 k smallest margins, one example of each cluster in turn, small clusters first.

    `part` clusters random parts of so many, which takes the memory of one.
    """
    points = query.features.numpy()
    place, begin = np.empty(len(points), dtype=np.int64), 0
    for rows in np.array_split(np.arange(len(points)), ceil(len(points) / (part or len(points)))):
        model = AgglomerativeClustering(max(1, int(len(rows) / cluster_size)), linkage="average")
        place[rows] = model.fit_predict(points[rows]) + begin
        begin += model.n_clusters
    best = np.sort(query.probabilities.numpy(), axis=1)
    candidates = (best[:, -1] - best[:, -2]).argsort()[: 10 * k]
    clusters: dict[int, list[int]] = {}
    for row in np.random.RandomState(0).permutation(candidates):
        clusters.setdefault(int(place[row]), []).append(int(row))
    ranked = sorted(clusters.values(), key=len)
    chosen: list[int] = []
    while len(chosen) < k:
        for members in ranked:
            if members and len(chosen) < k:
                chosen.append(members.pop())
    return np.array(chosen)


def by_margin(p: Posterior) -> Posterior:
    best = np.sort(p, axis=1)
    return best[:, -2] - best[:, -1]


def by_entropy(p: Posterior) -> Posterior:
    return -(p * np.log(p + 1e-30)).sum(axis=1)


def by_confidence(p: Posterior) -> Posterior:
    """Of the rounds before Adaptive-Novel's second."""
    return -by_margin(p)


def novelty(
    query: Query,
    k: int,
    uncertainty: Callable[[Posterior], Posterior] = by_margin,
    hidden: int = 10,
    iterations: int = 10,
) -> Picks:
    """Ma et al. 2024, github.com/mashijie1028/ActiveGCD, on given features: semi-supervised k-means (Vaze et al. 2022),
    whose free centres are drawn by k-means++, distances of all points to all centres at each step, and of each novel
    class the k / `hidden` examples of the most `uncertainty`.
    """
    labels, labeled, pool = query.labels.numpy(), query.labeled_features.numpy(), query.features.numpy()
    classes, draws = np.unique(labels), np.random.RandomState(0)
    centres = np.stack([labeled[labels == one].mean(axis=0) for one in classes])
    for _ in range(hidden):
        squares = euclidean_distances(pool, centres, squared=True).min(axis=1).astype(np.float64)
        centres = np.concatenate([centres, pool[draws.choice(len(pool), 1, p=squares / squares.sum())]])
    points = np.concatenate([labeled, pool])
    for _ in range(iterations):
        place = np.concatenate([np.searchsorted(classes, labels), euclidean_distances(pool, centres).argmin(axis=1)])
        centres = np.stack([points[place == one].mean(axis=0) for one in range(len(centres))])
    squares = euclidean_distances(pool, centres, squared=True)
    p = torch.softmax(-torch.from_numpy(squares / squares.min(axis=1).mean()), dim=1).numpy()
    predicted, wanted = p.argmax(axis=1), -uncertainty(p)
    chosen: list[int] = []
    for one in range(len(classes), len(centres)):
        rows = np.flatnonzero(predicted == one)
        chosen.extend(rows[wanted[rows].argsort()][: k // hidden].tolist())
    others = np.setdiff1d(np.flatnonzero(predicted >= len(classes)), chosen)
    return np.array([*chosen, *others[wanted[others].argsort()][: k - len(chosen)].tolist()])
