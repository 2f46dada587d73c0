"""Which strategy of ours is held against whose: libraries that have it, and authors' loops written anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from albench.contracts.query import Query
from benchmarks import libraries
from benchmarks.authors import clusters, covers, gaussians, gradients, mixtures

PICKS = 100
RADIUS = 0.7  # of ProbCover where both are given one
LOOP = "authors' loop"


@dataclass(frozen=True)
class Peer:
    """Somebody else's form of a strategy, under the name that ours has with its parameters.

    Where all picks would take more than about a minute, `part` names by pool size how many are asked for, of both where
    the peer's first picks cost as much as its later ones; 0 leaves the row out, and `reason` says why.
    """

    strategy: str
    who: str
    select: Callable[[Query, int], Any]
    needs: str | None = None  # the package to import
    part: Mapping[int, int] = field(default_factory=dict)
    reason: str = ""

    @property
    def name(self) -> str:
        return f"{self.strategy} beside {self.who}"


def _activeml(strategy: str, select: Callable[[Query, int], Any], **more: Any) -> Peer:
    return Peer(strategy, "scikit-activeml", select, "skactiveml.pool", **more)


def _small_text(strategy: str, select: Callable[[Query, int], Any], **more: Any) -> Peer:
    return Peer(strategy, "small-text", select, "small_text", **more)


def _baal(strategy: str, select: Callable[[Query, int], Any], **more: Any) -> Peer:
    return Peer(strategy, "baal", select, "baal.active.heuristics", **more)


FEW_OF_20000 = {20_000: 10}
PEERS = [
    _small_text("kmeans", libraries.small_text_kmeans),
    Peer("kmeans", "usual loop", clusters.kmeans),
    _activeml("clue", libraries.activeml_clue),
    Peer("clue", LOOP, clusters.clue),
    _activeml("typiclust", libraries.activeml_typiclust),
    Peer("typiclust", LOOP, clusters.typiclust),
    _activeml("dropquery", libraries.activeml_dropquery),
    _activeml("coreset", libraries.activeml_coreset),
    _small_text("coreset", libraries.small_text_coreset),
    Peer("coreset", LOOP, covers.coreset),
    _activeml("probcover", libraries.activeml_probcover, part=FEW_OF_20000),
    Peer(f"probcover[radius={RADIUS}]", LOOP, partial(covers.probcover, radius=RADIUS)),
    _activeml("max-herding", libraries.activeml_max_herding, part=FEW_OF_20000),
    Peer("max-herding", LOOP, covers.max_herding, part=FEW_OF_20000),
    Peer("uherding", LOOP, covers.uherding, part=FEW_OF_20000),
    _activeml("badge", libraries.activeml_badge),
    Peer("badge", LOOP, gradients.badge),
    Peer("bait", LOOP, gradients.bait, part={2000: 1, 20_000: 0}, reason="a step of the loop takes over a minute"),
    Peer("bait[fisher=binary]", LOOP, gradients.bait_binary),
    _baal("batchbald", libraries.baal_batchbald, part={2000: 10, 20_000: 5}),
    _baal("bald", libraries.baal_bald),
    _baal("power-bald", libraries.baal_power),
    _baal("mean-std", libraries.baal_variance),
    _baal("entropy-dropout", libraries.baal_entropy),
    _baal("min-dropout", libraries.baal_certainty),
    _baal("1vs2-dropout", libraries.baal_margin),
    _activeml("variation-ratios", libraries.activeml_votes),
    _activeml("falcun", libraries.activeml_falcun),
    _activeml("qbc", libraries.activeml_committee),
    Peer("alfa-mix", LOOP, mixtures.alfa_mix),
    Peer("cluster-margin", "paper's loop, in our parts", partial(mixtures.cluster_margin, part=10_000)),
    Peer("novelty-margin", LOOP, mixtures.novelty),
    Peer("novelty-entropy", LOOP, partial(mixtures.novelty, uncertainty=mixtures.by_entropy)),
    Peer("adaptive-novel", LOOP, partial(mixtures.novelty, uncertainty=mixtures.by_confidence)),
    Peer("gp-emoc", "paper's loop", gaussians.gp_emoc),
    Peer("mahalanobis", LOOP, gaussians.mahalanobis),
]
