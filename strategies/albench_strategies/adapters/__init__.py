"""Strategies of other libraries, each an optional extra: asked as their documentation says, never rewritten.

Names and targets alone are here, so that listing them imports no library.
"""

from __future__ import annotations

from collections.abc import Mapping

_SKAL = {
    "Skal": (
        "coreset",
        "greedy-sampling",
        "probcover",
        "max-herding",
        "quire",
        "cost-embedding",
        "least-confident",
        "margin",
        "entropy",
        "badge",
        "falcun",
        "clue",
        "contrastive",
        "discriminative",
        "probabilistic",
        "four-ds",
        "error-reduction",
        "log-loss-reduction",
        "value-of-information",
        "qbc-kl",
        "qbc-vote-entropy",
        "qbc-variation-ratios",
    ),
    "SkalSelection": ("random", "typiclust", "dropquery"),
    "SkalNetworks": ("bald", "batchbald"),
}
_BAAL = {
    "Baal": ("random", "certainty", "entropy", "margin", "bald", "variance"),
    "BaalStochastic": ("power-bald", "power-entropy", "gibbs-bald", "gibbs-entropy", "rank-bald", "rank-entropy"),
    "BaalBatch": ("batchbald",),
    "BaalTargets": ("epig",),
}


def _targets(prefix: str, module: str, parameter: str, classes: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {
        f"{prefix}-{name}": f"adapters.{module}:{cls}[{parameter}={name}]"
        for cls, names in classes.items()
        for name in names
    }


TARGETS: Mapping[str, str] = {
    **_targets("skal", "skactiveml", "query", _SKAL),
    **_targets("baal", "baal", "heuristic", _BAAL),
}
