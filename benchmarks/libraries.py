"""scikit-activeml, small-text and baal asked for k of a query's pool, given its features and posteriors.

Each is called as its documentation says; what wraps them computes nothing that they would be charged for. Imported
where they are called, since none has to be installed: `pip install .[peers]`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from albench.contracts.query import Query
from albench_strategies.batchbald import BatchBald as OurBatchBald
from albench_strategies.dropout import DropoutStrategy

Picks = NDArray[Any]


def _activeml(query: Query, n_picks: int, strategy: str, asks: str | None = None, **options: Any) -> Picks:
    """Return what a strategy of scikit-activeml picks; `asks` names its argument that takes the classifier."""
    import skactiveml.pool

    n_labeled = len(query.labeled)
    points = np.concatenate([query.labeled_features.numpy(), query.features.numpy()])
    labels = np.concatenate([query.labels.numpy().astype(float), np.full(len(query.pool), np.nan)])
    given = {} if asks is None else {asks: _given(query), f"fit_{asks}": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scikit-learn, about what scikit-activeml passes
        asked = getattr(skactiveml.pool, strategy)(random_state=0, **options)
        return np.asarray(asked.query(points, labels, batch_size=n_picks, **given)) - n_labeled


def _given(query: Query) -> Any:
    """Return a classifier of scikit-activeml that knows the pool's posteriors, and asks the head about other features.

    Those of DropQuery are other ones.
    """
    from skactiveml.base import SkactivemlClassifier

    known, pool = query.probabilities.numpy(), query.features.numpy()
    weight, bias = (value.detach().numpy() for value in query.network.head.parameters())

    class Given(SkactivemlClassifier):
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:  # noqa: ARG002, N803
            return self

        def predict_proba(self, X: Any) -> Any:  # noqa: N803
            return known if len(X) == len(pool) and np.array_equal(X[:1], pool[:1]) else None

        def predict(self, X: Any) -> Any:  # noqa: N803
            return (X @ weight.T + bias).argmax(axis=1)

    return Given()


def activeml_badge(query: Query, k: int) -> Picks:
    return _activeml(query, k, "Badge", "clf")


def activeml_clue(query: Query, k: int) -> Picks:
    return _activeml(query, k, "Clue", "estimator")


def activeml_coreset(query: Query, k: int) -> Picks:
    return _activeml(query, k, "CoreSet")


def activeml_dropquery(query: Query, k: int) -> Picks:
    return _activeml(query, k, "DropQuery", "clf", n_dropout_samples=3)


def activeml_falcun(query: Query, k: int) -> Picks:
    return _activeml(query, k, "Falcun", "clf")


def activeml_max_herding(query: Query, k: int) -> Picks:
    """Its kernel is the Gaussian of sklearn, exp(-gamma ||x - y||^2), at our width of 1."""
    return _activeml(query, k, "MaxHerding", metric="rbf", metric_dict={"gamma": 1.0})


def activeml_probcover(query: Query, k: int) -> Picks:
    """On features of any length, among ten radii up to 2: features of unit norm are given, as the paper has them."""
    return _activeml(_of_unit_norm(query), k, "ProbCover", n_classes=query.n_classes)


def activeml_typiclust(query: Query, k: int) -> Picks:
    """With as many neighbours as ours, and features of unit norm."""
    return _activeml(_of_unit_norm(query), k, "TypiClust", k=20)


def activeml_committee(query: Query, k: int) -> Picks:
    """Eight logistic regressions of scikit-learn on bootstrap samples, with our weight decay, and the divergence."""
    import skactiveml.pool
    from skactiveml.classifier import SklearnClassifier
    from sklearn.ensemble import BaggingClassifier
    from sklearn.linear_model import LogisticRegression

    labeled = query.labeled_features.numpy()
    mean, spread = labeled.mean(axis=0), labeled.std(axis=0)
    points = (np.concatenate([labeled, query.features.numpy()]) - mean) / spread
    labels = np.concatenate([query.labels.numpy().astype(float), np.full(len(query.pool), np.nan)])
    head = LogisticRegression(C=1 / (0.01 * len(labeled)))
    ensemble = SklearnClassifier(
        BaggingClassifier(head, n_estimators=8, random_state=0), classes=range(query.n_classes)
    )
    asked = skactiveml.pool.QueryByCommittee(method="KL_divergence", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(asked.query(points, labels, ensemble=ensemble, batch_size=k)) - len(labeled)


def activeml_votes(query: Query, k: int) -> Picks:
    """By the function behind its committee, given the votes of dropout networks."""
    from skactiveml.pool import variation_ratios

    votes = _networks(query, DropoutStrategy().samples).argmax(axis=1)
    return np.argsort(-variation_ratios(votes), kind="stable")[:k]


def _of_unit_norm(query: Query) -> Query:
    pool, labeled = (torch.nn.functional.normalize(one) for one in (query.features, query.labeled_features))
    return Query(query.network, pool, labeled, query.labels, None, query.generator)


def _small_text(query: Query, k: int, strategy: str, **options: Any) -> Picks:
    from small_text.query_strategies import coresets, strategies

    points = np.concatenate([query.features.numpy(), query.labeled_features.numpy()])
    rows = np.arange(len(points))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asked = getattr(strategies, strategy, None) or getattr(coresets, strategy)
        split = (rows[: len(query.pool)], rows[len(query.pool) :])
        found = asked(normalize=True, **options).query(None, rows, *split, query.labels.numpy(), n=k, embeddings=points)
    return np.asarray(found)


def small_text_kmeans(query: Query, k: int) -> Picks:
    """On features of unit norm, its default."""
    return _small_text(query, k, "EmbeddingKMeans")


def small_text_coreset(query: Query, k: int) -> Picks:
    return _small_text(query, k, "GreedyCoreset", distance_metric="euclidean")


def _networks(query: Query, samples: int) -> NDArray[np.float32]:
    """Return the posteriors of dropout networks as baal has them, (n_pool, C, T), the features dropped by a layer."""
    dropout = torch.nn.Dropout(0.5).train()
    with torch.no_grad():
        logits = [query.network.head(dropout(query.features)) for _ in range(samples)]
        return np.stack([torch.softmax(one, dim=1).numpy() for one in logits], axis=-1)


def _baal(query: Query, k: int, heuristic: str) -> Picks:
    from baal.active import heuristics

    posteriors = _networks(query, DropoutStrategy().samples)
    return np.asarray(getattr(heuristics, heuristic)()(posteriors))[:k]


def baal_bald(query: Query, k: int) -> Picks:
    return _baal(query, k, "BALD")


def baal_entropy(query: Query, k: int) -> Picks:
    return _baal(query, k, "Entropy")


def baal_margin(query: Query, k: int) -> Picks:
    return _baal(query, k, "Margin")


def baal_certainty(query: Query, k: int) -> Picks:
    return _baal(query, k, "Certainty")


def baal_variance(query: Query, k: int) -> Picks:
    """Its score is the mean variance where ours is the mean standard deviation."""
    return _baal(query, k, "Variance")


def baal_power(query: Query, k: int) -> Picks:
    from baal.active.heuristics import BALD
    from baal.active.heuristics.stochastics import PowerSampling

    posteriors = _networks(query, DropoutStrategy().samples)
    return np.asarray(PowerSampling(BALD(), query_size=k).get_ranks(posteriors)[0])[:k]


def baal_batchbald(query: Query, k: int) -> Picks:
    """Of as many networks as ours, and as many drawn configurations; its default is 500 of each network."""
    from baal.active.heuristics import BatchBALD

    ours = OurBatchBald()
    asked = BatchBALD(k, num_draw=ours.configurations // ours.samples)
    return np.asarray(asked(_networks(query, ours.samples)))[:k]
