"""Each strategy of scikit-activeml as its documentation says to call it, on plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from skactiveml import pool
from skactiveml.base import SkactivemlClassifier
from skactiveml.classifier import MixtureModelClassifier, ParzenWindowClassifier, SklearnClassifier
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.strategies.adapters.arrays import N_CLASSES, N_FEATURES, RATE, SAMPLES, Arrays, Floats, seed_of

CLASSES = list(range(N_CLASSES))
Call = Callable[[Arrays, int, int], tuple[Any, Any]]  # of a round, a seed and k -> picks and utilities


class Linear(SkactivemlClassifier):  # type: ignore[misc]
    """A softmax of a linear function, which drops some of its inputs."""

    def __init__(self, weight: Any = None, bias: Any = None, keep: Any = 1.0, classes: Any = None) -> None:
        super().__init__(classes=classes)
        self.weight, self.bias, self.keep = weight, bias, keep
        self.classes_ = np.array(CLASSES)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: N803 - as the library calls it
        raise AssertionError("the network is trained already")

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        found: Floats = softmax((X * self.keep) @ self.weight.T + self.bias, axis=1)
        return found

    def predict(self, X: Any) -> Any:  # noqa: N803
        return np.array(CLASSES)[self.predict_proba(X).argmax(axis=1)]


def _call(cls: str, given: Callable[[Arrays, int], dict[str, Any]], **options: Any) -> Call:
    def call(arrays: Arrays, seed: int, k: int) -> tuple[Any, Any]:
        made = {name: value(arrays, seed) if callable(value) else value for name, value in options.items()}
        strategy = getattr(pool, cls)(random_state=seed, **made)
        asked = strategy.query(
            arrays.points, arrays.targets, batch_size=k, return_utilities=True, **given(arrays, seed)
        )
        return np.asarray(asked[0]) - len(arrays.labels), np.asarray(asked[1])[0, len(arrays.labels) :]

    return call


def _linear(arrays: Arrays, keep: Any = 1.0) -> Linear:
    return Linear(arrays.weight, arrays.bias, keep, CLASSES)


def _alone(arrays: Arrays, seed: int) -> dict[str, Any]:
    return {}


def _network(arrays: Arrays, seed: int) -> dict[str, Any]:
    return {"clf": _linear(arrays), "fit_clf": False}


def _gamma(arrays: Arrays) -> float:
    return float(1 / (N_FEATURES * arrays.points.var()))


def _parzen(arrays: Arrays, seed: int) -> dict[str, Any]:
    metric = {"gamma": _gamma(arrays)}
    return {"clf": ParzenWindowClassifier(classes=CLASSES, metric_dict=metric, random_state=seed), "fit_clf": True}


def _mixture(arrays: Arrays, seed: int) -> dict[str, Any]:
    return {"clf": MixtureModelClassifier(classes=CLASSES, random_state=seed), "fit_clf": True}


def _regression() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


def _discriminator(arrays: Arrays, seed: int) -> dict[str, Any]:
    return {"discriminator": SklearnClassifier(_regression(), random_state=seed)}


def _committee(arrays: Arrays, seed: int) -> dict[str, Any]:
    bagging = BaggingClassifier(_regression(), n_estimators=8, random_state=seed)
    return {"ensemble": SklearnClassifier(bagging, classes=CLASSES, random_state=seed), "fit_ensemble": True}


def _dropping(arrays: Arrays, seed: int) -> dict[str, Any]:
    """Return a list of networks, each of which drops features by the mask that it drew before the seed."""
    from tests.strategies.adapters.arrays import stream

    generator = stream()
    kept = torch.rand((SAMPLES, N_FEATURES), generator=generator) >= RATE
    assert seed_of(generator) == seed
    members = [_linear(arrays, mask.numpy() / (1 - RATE)) for mask in kept]
    return {"ensemble": members, "fit_ensemble": False}


def _clustered(arrays: Arrays, seed: int) -> dict[str, Any]:
    return {"random_state": seed}


def _clue(arrays: Arrays, seed: int) -> dict[str, Any]:
    return {"estimator": _linear(arrays), "fit_estimator": False}


CALLS: Mapping[str, Call] = {
    "random": _call("RandomSampling", _alone),
    "coreset": _call("CoreSet", _alone),
    "greedy-sampling": _call("GreedySamplingX", _alone),
    "typiclust": _call("TypiClust", _alone),
    "probcover": _call("ProbCover", _alone, n_classes=N_CLASSES),
    "max-herding": _call("MaxHerding", _alone),
    "quire": _call("Quire", _alone, classes=CLASSES, metric_dict=lambda arrays, seed: {"gamma": _gamma(arrays)}),
    "cost-embedding": _call("CostEmbeddingAL", _alone, classes=CLASSES),
    "least-confident": _call("UncertaintySampling", _network, method="least_confident"),
    "margin": _call("UncertaintySampling", _network, method="margin_sampling"),
    "entropy": _call("UncertaintySampling", _network, method="entropy"),
    "badge": _call("Badge", _network),
    "falcun": _call("Falcun", _network),
    "clue": _call("Clue", _clue, cluster_algo_dict=_clustered),
    "dropquery": _call("DropQuery", _network, cluster_algo_dict=_clustered),
    "contrastive": _call("ContrastiveAL", _network),
    "discriminative": _call("DiscriminativeAL", _discriminator),
    "probabilistic": _call("ProbabilisticAL", _parzen),
    "four-ds": _call("FourDs", _mixture),
    "error-reduction": _call("MonteCarloEER", _parzen, method="misclassification_loss"),
    "log-loss-reduction": _call("MonteCarloEER", _parzen, method="log_loss"),
    "value-of-information": _call("ValueOfInformationEER", _parzen),
    "qbc-kl": _call("QueryByCommittee", _committee, method="KL_divergence"),
    "qbc-vote-entropy": _call("QueryByCommittee", _committee, method="vote_entropy"),
    "qbc-variation-ratios": _call("QueryByCommittee", _committee, method="variation_ratios"),
    "bald": _call("GreedyBALD", _dropping),
    "batchbald": _call("BatchBALD", _dropping),
}
