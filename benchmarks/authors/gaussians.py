"""Strategies of Gaussians: EMOC for Gaussian processes, and the Mahalanobis distance as its authors' program runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist, pdist
from scipy.special import ndtr

from albench.contracts.query import Query

Picks = NDArray[np.int64]
BLOCK = 500  # candidates at once


def gp_emoc(query: Query, k: int, noise: float = 0.1) -> Picks:
    """Freytag et al. 2014, written from the paper's equations 10 to 13 for one-vs-all labels: block by block of
    candidates, the covariances with all images from the solved kernel columns, and the expected change.
    """
    labeled, pool = query.labeled_features.double().numpy(), query.features.double().numpy()
    images = np.concatenate([labeled, pool])
    width = np.median(pdist(labeled, "sqeuclidean")) / 2
    gram = np.exp(-cdist(labeled, labeled, "sqeuclidean") / (2 * width)) + noise * np.eye(len(labeled))
    factor = cho_factor(gram, lower=True)
    seen = np.exp(-cdist(labeled, images, "sqeuclidean") / (2 * width))  # (n_labeled, N)
    weights = cho_solve(factor, 2.0 * np.eye(query.n_classes)[query.labels.numpy()] - 1)
    scores = []
    for rows in np.array_split(np.arange(len(pool)), max(1, len(pool) // BLOCK)):
        columns = seen[:, len(labeled) + rows]
        solved = cho_solve(factor, columns)
        covariance = np.exp(-cdist(pool[rows], images, "sqeuclidean") / (2 * width)) - solved.T @ seen
        variance = np.maximum(0, 1 - (columns * solved).sum(axis=0)) + noise
        mean = columns.T @ weights
        chance = np.maximum(ndtr(mean / np.sqrt(variance)[:, None]), 1e-12)
        chance /= chance.sum(axis=1, keepdims=True)
        surprise = np.abs(1 + mean).sum(axis=1, keepdims=True) - np.abs(1 + mean) + np.abs(1 - mean)
        scores.append(np.abs(covariance).mean(axis=1) / variance * (chance * surprise).sum(axis=1))
    return np.argsort(-np.concatenate(scores))[:k]


def mahalanobis(query: Query, k: int) -> Picks:
    """Lee et al. 2018, github.com/pokaxpoka/deep_Mahalanobis_detector, of its last features: class by class the product
    of differences and precision, of which the diagonal is taken; in batches of 200, as their loaders give them.
    """
    labeled, labels = query.labeled_features.double().numpy(), query.labels.numpy()
    means = np.stack([labeled[labels == one].mean(axis=0) for one in range(query.n_classes)])
    residuals = labeled - means[labels]
    covariance = residuals.T @ residuals / len(labeled)
    precision = np.linalg.inv(covariance + 1e-3 * covariance.diagonal().mean() * np.eye(len(covariance)))
    scores = []
    for part in np.array_split(query.features.double().numpy(), max(1, len(query.pool) // 200)):
        squares = [np.diag((part - mean) @ precision @ (part - mean).T) for mean in means]
        scores.append(np.min(squares, axis=0))
    return np.argsort(-np.concatenate(scores))[:k]
