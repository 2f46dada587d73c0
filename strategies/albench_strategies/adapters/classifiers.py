"""The classifiers that strategies of scikit-activeml ask: the network's own head, or one of the library's on features.

Import this module where the library is there; scikit-activeml is an optional extra.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from skactiveml.base import SkactivemlClassifier
from skactiveml.classifier import MixtureModelClassifier, ParzenWindowClassifier, SklearnClassifier
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from albench import Query
from albench_strategies.adapters.recipes import Points, kernel_scale

MEMBERS = 8  # of a committee, as many as ours has


class _Given(SkactivemlClassifier):  # type: ignore[misc]  # the library has no types
    """A classifier of a query, which is trained already."""

    def __init__(self, query: Query) -> None:
        super().__init__(classes=list(range(query.n_classes)))
        self.query = query
        self.classes_ = np.arange(query.n_classes)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: ARG002, N803 - as the library calls it
        """Return itself."""
        return self

    def predict(self, X: Any) -> NDArray[np.int64]:  # noqa: N803
        """Return the class of the largest posterior, (n,)."""
        labels: NDArray[np.int64] = self.predict_proba(X).argmax(axis=1)
        return labels


class Head(_Given):
    """The network's head as a classifier of features."""

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the posteriors of features, float64, (n, n_classes)."""
        head = self.query.network.head
        weight, bias = (value.detach().cpu().double().numpy() for value in (head.weight, head.bias))
        posteriors: NDArray[np.float64] = softmax(X @ weight.T + bias, axis=1)
        return posteriors


class Networks(_Given):
    """Networks whose posteriors of the pool are known, as a classifier of the pool's row numbers."""

    def __init__(self, query: Query, posteriors: NDArray[np.float64]) -> None:
        super().__init__(query)
        self.posteriors = posteriors

    def sample_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the posterior of each network for these rows, (T, n, n_classes)."""
        return self.posteriors[:, np.asarray(X)[:, 0].astype(np.int64)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Return the mean posterior of the networks, (n, n_classes)."""
        mean: NDArray[np.float64] = self.sample_proba(X).mean(axis=0)
        return mean


def parzen(query: Query, points: Points, seed: int) -> Any:
    """Return a Parzen window classifier with a Gaussian kernel."""
    return ParzenWindowClassifier(
        classes=list(range(query.n_classes)), metric_dict={"gamma": kernel_scale(points)}, random_state=seed
    )


def mixture(query: Query, points: Points, seed: int) -> Any:  # noqa: ARG001 - called as its siblings are
    """Return the library's classifier by a Gaussian mixture, its default."""
    return MixtureModelClassifier(classes=list(range(query.n_classes)), random_state=seed)


def logistic(query: Query, points: Points, seed: int) -> Any:  # noqa: ARG001
    """Return a logistic regression on features of unit variance, to tell labelled from unlabelled ones."""
    return SklearnClassifier(_regression(), random_state=seed)


def committee(query: Query, points: Points, seed: int) -> Any:  # noqa: ARG001
    """Return logistic regressions by bagging."""
    bagging = BaggingClassifier(_regression(), n_estimators=MEMBERS, random_state=seed)
    return SklearnClassifier(bagging, classes=list(range(query.n_classes)), random_state=seed)


def _regression() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


def head(query: Query, points: Points, seed: int) -> Any:  # noqa: ARG001
    """Return the network's head."""
    return Head(query)
