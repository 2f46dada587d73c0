"""Strategies of k-means: K-Means, CLUE and TypiClust as their authors' programs run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import euclidean_distances
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from albench.contracts.query import Query

Picks = NDArray[np.int64]
MOST_CLUSTERS, SMALLEST_CLUSTER, NEIGHBOURS = 500, 5, 20  # of TypiClust
EXACT_CLUSTERS, MINIBATCH = 50, 5000  # up to so many TypiClust takes k-means on all points


def kmeans(query: Query, k: int) -> Picks:
    """Zhdanov 2019 without weights: scikit-learn's k-means, and in each cluster the example nearest to its centre.

    Of the usual programs (DeepAL's KMeansSampling), which take scikit-learn's default of draws of a start: one by now,
    ten before.
    """
    points = query.features.numpy()
    fitted = KMeans(k, n_init=1, random_state=0).fit(points)
    squares = ((points - fitted.cluster_centers_[fitted.labels_]) ** 2).sum(axis=1)
    members = [np.flatnonzero(fitted.labels_ == place) for place in range(k)]
    return np.array([rows[squares[rows].argmin()] for rows in members])


def clue(query: Query, k: int) -> Picks:
    """Prabhu et al. 2021, github.com/virajprabhu/CLUE: k-means with the entropies as weights; then all points are
    sorted by their distance to each centre, and each centre takes its nearest that is not taken.
    """
    points, p = query.features.numpy(), query.probabilities.numpy() + 1e-8
    fitted = KMeans(k, n_init=1, random_state=0).fit(points, sample_weight=-(p * np.log(p)).sum(axis=1))
    order = euclidean_distances(fitted.cluster_centers_, points).argsort(axis=1)
    chosen: dict[int, None] = {}
    for ranked in order:
        chosen[next(int(row) for row in ranked if int(row) not in chosen)] = None
    return np.array(list(chosen))


def typiclust(query: Query, k: int) -> Picks:
    """Hacohen et al. 2022, github.com/avihu111/TypiClust: mini-batch k-means from 51 clusters on, clusters in the order
    of labels and sizes, of each in turn the example of the smallest mean squared distance to its neighbours there.
    """
    points = normalize(np.concatenate([query.labeled_features.numpy(), query.features.numpy()]))
    n_labeled = len(query.labeled)
    n_clusters = min(n_labeled + k, MOST_CLUSTERS)
    small = n_clusters <= EXACT_CLUSTERS
    model = KMeans(n_clusters, n_init=1) if small else MiniBatchKMeans(n_clusters, batch_size=MINIBATCH, n_init=1)
    place = model.set_params(random_state=0).fit_predict(points)
    sizes = np.bincount(place, minlength=n_clusters)
    known = np.bincount(place[:n_labeled], minlength=n_clusters)
    ranked = [one for one in np.lexsort((-sizes, known)) if sizes[one] > SMALLEST_CLUSTER]
    taken = np.arange(len(points)) < n_labeled
    chosen: list[int] = []
    while len(chosen) < k:
        rows = np.flatnonzero((place == ranked[len(chosen) % len(ranked)]) & ~taken)
        if not len(rows):
            ranked.remove(ranked[len(chosen) % len(ranked)])
            continue
        index = int(rows[_typicality(points[rows]).argmax()])
        taken[index] = True
        chosen.append(index - n_labeled)
    return np.array(chosen)


def _typicality(points: NDArray[np.float32]) -> NDArray[np.float32]:
    neighbours = min(NEIGHBOURS, len(points) // 2)
    if neighbours == 0:
        return np.ones(len(points), dtype=points.dtype)
    found = NearestNeighbors(n_neighbors=neighbours + 1, algorithm="brute").fit(points).kneighbors(points)[0]
    typicality: NDArray[np.float32] = 1 / ((found[:, 1:] ** 2).mean(axis=1) + 1e-5)
    return typicality
