"""How each strategy of scikit-activeml is asked: its class, what it is made with, and whom it asks for posteriors."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSIFIERS = "albench_strategies.adapters.classifiers"

Points = NDArray[np.float64]
Options = Callable[[int, Points, int], dict[str, Any]]  # of the number of classes, the points and a seed


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


def _fixed(**options: Any) -> Options:
    return lambda *_: dict(options)


def _classes(n_classes: int, *_: Any) -> dict[str, Any]:
    return {"classes": list(range(n_classes))}


def _kernel(n_classes: int, points: Points, _: int) -> dict[str, Any]:
    return {"classes": list(range(n_classes)), "metric_dict": {"gamma": kernel_scale(points)}}


def _number_of_classes(n_classes: int, *_: Any) -> dict[str, Any]:
    return {"n_classes": max(n_classes, 2)}  # clusters, of which the library asks for two


def _seeded_clusters(_: int, __: Points, seed: int) -> dict[str, Any]:
    return {"cluster_algo_dict": {"random_state": seed}}


def kernel_scale(points: Points) -> float:
    """Return the factor of squared distances in a Gaussian kernel, 1 / (d variance), scikit-learn's "scale"."""
    variance = float(points.var())
    return 1 / (points.shape[1] * variance) if variance > 0 else 1.0


@dataclass(frozen=True)
class Recipe:
    """How one strategy is asked, and what asking costs.

    `model` names the function of `albench_strategies.adapters.classifiers` that makes what is given as `argument`,
    which the library trains where `fits`. Without one it gets features and labels alone.
    """

    cls: str
    cost: str
    options: Options = _nothing
    model: str = ""
    argument: str = "clf"
    fits: bool | None = None  # None: there is no choice
    failures: Mapping[str, str] = field(default_factory=dict)  # clauses of the contract that the library breaks

    def classifier(self, *given: Any) -> Any:
        """Return the model of a query, its points and a seed; None where none is asked for."""
        return getattr(importlib.import_module(CLASSIFIERS), self.model)(*given) if self.model else None

    def arguments(self, model: Any) -> dict[str, Any]:
        """Return what the library is given beside points and labels."""
        if not self.model:
            return {}
        return {self.argument: model} | ({} if self.fits is None else {f"fit_{self.argument}": self.fits})


def _head(cls: str, cost: str, options: Options = _nothing, argument: str = "clf", **more: Any) -> Recipe:
    return Recipe(cls, cost, options, "head", argument, fits=False, **more)


def _trained(
    cls: str, cost: str, model: str, options: Options = _nothing, argument: str = "clf", **more: Any
) -> Recipe:
    return Recipe(cls, cost, options, model, argument, fits=True, **more)


def _networks(cls: str, cost: str) -> Recipe:
    sampled = _fixed(sample_predictions_method_name="sample_proba")
    return Recipe(cls, cost, sampled, "networks", "ensemble", fits=False)


_TWO_CLASSES = {"one-class": "the library asks for two classes or more"}
_DISTINCT = {"degenerate-input": "the library fails where fewer features than clusters are different ones"}
_POSTERIOR = "O(N' C d)"
_REFITS = "O(N'^2 C n_labeled d): one fit for each example and class, minutes for 2,000 images"
_COMMITTEE = "O(T (fit + N' C d))"

RECIPES: Mapping[str, Recipe] = {
    "random": Recipe("RandomSampling", "O(N')"),
    "coreset": Recipe("CoreSet", "O(N (n_labeled + k) d)"),
    "greedy-sampling": Recipe("GreedySamplingX", "O(N' (N + k) d), and N' N distances in memory"),
    "typiclust": Recipe("TypiClust", "O(iterations N (n_labeled + k) d)", failures=_DISTINCT),
    "probcover": Recipe("ProbCover", "O(N^2 (d + k)), and N^2 distances in memory", _number_of_classes),
    "max-herding": Recipe("MaxHerding", "O(N'^2 (d + k)), and N'^2 kernels in memory"),
    "quire": Recipe("Quire", "O(N'^3 C): minutes for 2,000 images, and N^2 kernels in memory", _kernel),
    "cost-embedding": Recipe("CostEmbeddingAL", "O(C (n_labeled^2 + N' n_labeled) d)", _classes, failures=_TWO_CLASSES),
    "least-confident": _head("UncertaintySampling", _POSTERIOR, _fixed(method="least_confident")),
    "margin": _head("UncertaintySampling", _POSTERIOR, _fixed(method="margin_sampling"), failures=_TWO_CLASSES),
    "entropy": _head("UncertaintySampling", _POSTERIOR, _fixed(method="entropy")),
    "badge": _head("Badge", "O(k N' C d), and N' C d numbers in memory"),
    "falcun": _head("Falcun", "O(N' C (d + k))", failures=_TWO_CLASSES),
    "clue": _head("Clue", "O(N' C d + iterations k N' d)", _seeded_clusters, "estimator"),
    "dropquery": _head("DropQuery", "O(samples N' C d + iterations k N' d)", _seeded_clusters),
    "contrastive": _head("ContrastiveAL", "O(N' (n_labeled + C) d)"),
    "discriminative": Recipe(
        "DiscriminativeAL", "O(k N d): one fit for each pick", _nothing, "logistic", "discriminator"
    ),
    "probabilistic": _trained("ProbabilisticAL", "O(N' n_labeled d)", "parzen"),
    "four-ds": _trained("FourDs", "O(iterations N d^2)", "mixture", failures=_TWO_CLASSES),
    "error-reduction": _trained("MonteCarloEER", _REFITS, "parzen"),
    "log-loss-reduction": _trained("MonteCarloEER", _REFITS, "parzen", _fixed(method="log_loss")),
    "value-of-information": _trained("ValueOfInformationEER", _REFITS, "parzen"),
    "qbc-kl": _trained(
        "QueryByCommittee", _COMMITTEE, "committee", _fixed(method="KL_divergence"), "ensemble", failures=_TWO_CLASSES
    ),
    "qbc-vote-entropy": _trained(
        "QueryByCommittee", _COMMITTEE, "committee", _fixed(method="vote_entropy"), "ensemble", failures=_TWO_CLASSES
    ),
    "qbc-variation-ratios": _trained(
        "QueryByCommittee",
        _COMMITTEE,
        "committee",
        _fixed(method="variation_ratios"),
        "ensemble",
        failures=_TWO_CLASSES,
    ),
    "bald": _networks("GreedyBALD", "O(N' T C), and T forward passes where the network has dropout layers"),
    "batchbald": _networks("BatchBALD", "O(k N' T^2 C), and T forward passes where the network has dropout layers"),
}
