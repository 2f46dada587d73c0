"""First-party query strategies of albench."""

from __future__ import annotations

from collections.abc import Mapping

import albench
from albench_strategies import adapters


@albench.hookimpl
def albench_strategies() -> Mapping[str, str]:
    """Return the strategies: those of the paper, others by what they look at, then those of other libraries."""
    return {name: f"albench_strategies.{target}" for name, target in {**OWN, **adapters.TARGETS}.items()}


OWN = {
    "random": "random:Random",
    "min": "posterior:LeastConfident",
    "1vs2": "posterior:Margin",
    "max": "posterior:MostConfident",
    "emoc": "emoc.strategy:Emoc",
    # the posterior
    "entropy": "posterior:Entropy",
    # dropout at query time
    "bald": "dropout:Bald",
    "batchbald": "batchbald:BatchBald",
    "power-bald": "power_bald:PowerBald",
    "variation-ratios": "dropout:VariationRatios",
    "mean-std": "dropout:MeanStd",
    "entropy-dropout": "dropout:EntropyDropout",
    "min-dropout": "dropout:LeastConfidentDropout",
    "1vs2-dropout": "dropout:MarginDropout",
    # diversity and density
    "coreset": "coreset:Coreset",
    "kmeans": "clusters:KMeans",
    "clue": "clusters:Clue",
    "typiclust": "typiclust:Typiclust",
    "probcover": "covering:ProbCover",
    "max-herding": "covering:MaxHerding",
    "uherding": "uherding:UHerding",
    "dropquery": "dropquery:DropQuery",
    "cluster-margin": "cluster_margin:ClusterMargin",
    "falcun": "falcun:Falcun",
    # gradients
    "badge": "badge:Badge",
    "bait": "bait:Bait",
    "egl": "gradient_length:ExpectedGradientLength",
    "gradnorm": "gradient_length:GradNorm",
    "mlmoc": "mlmoc:Mlmoc",
    # what happened from round to round
    "prediction-flips": "flips:PredictionFlips",
    # ensembles, adversaries, perturbations
    "qbc": "committee:QueryByCommittee",
    "deepfool": "perturbing:DeepFool",
    "alfa-mix": "perturbing:AlfaMix",
    "noise-stability": "perturbing:NoiseStability",
    # discovery
    "novelty-entropy": "novelty:NoveltyEntropy",
    "novelty-margin": "novelty:NoveltyMargin",
    "adaptive-novel": "novelty:AdaptiveNovel",
    "energy": "outliers:Energy",
    "max-logit": "outliers:MaxLogit",
    "mahalanobis": "outliers:Mahalanobis",
    "gp-emoc": "gp_emoc:GpEmoc",
    # reference lines
    "oracle-novel": "oracle:OracleNovel",
    "all-labels": "oracle:AllLabels",
}
