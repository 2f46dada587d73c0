"""The page of the strategies that other libraries compute: which class each is, what it gets, what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from albench_strategies.adapters import TARGETS
from albench_strategies.adapters.baal import HEURISTICS, SAMPLERS
from albench_strategies.adapters.recipes import RECIPES, Recipe

INTRODUCTION = """\
# Strategies of other libraries

Asked as their documentation says, never rewritten, so that a library's own results can be had under the same protocol,
network and draws as everybody's. Each library is an optional extra; the names are always listed, and using one whose
library is absent says which extra to install, before anything runs:

```
pip install "albench[skactiveml]"        # scikit-activeml 1.0.x
pip install "albench[baal]"              # baal 2.1.x; it requires Jupyter, which is not imported
```

- **What a library gets** are arrays in float64 (baal: as the network computes): the features of labelled, then of pool
  images, their labels, and posteriors. Where scikit-activeml asks for a classifier that is trained already, it gets the
  network's head; where it asks for one to train, one of its own on these features, since no network is trained twice.
- **Options** are the library's defaults. Gaussian kernels of `skal-quire` and of Parzen windows have the width 1 / (d
  variance) of scikit-learn's "scale", since a fixed one fits no network's features; logistic regressions see features
  of unit variance; clusterings are seeded.
- **Draws** come from a seed out of the strategy's stream. What a library draws from a global generator is seeded by it,
  too, and the generator is put back.
- **Under `top-k`** the library selects its own batch of k. Where it picks an example twice, which some do among
  duplicates, it is asked again for others.
- **Under `discovery`** an example is worth the utility that the library gives when one is asked for, and a set the mean
  over its examples. So a set's diversity counts for nothing, unlike with albench's own [strategies](README.md) of the
  same idea. Three have no finite utility of every example and take part under `top-k` alone: `skal-random`,
  `skal-typiclust`, `skal-dropquery`.
- **A round's notes** hold the library's version (`library`) and how often it warned (`library_warnings`).

A test calls each library on plain arrays of its own and finds the same picks and utilities, the pool permuted, too
(`tests/strategies/adapters/`).

Selecting 100 of 2,000 images (64 features, 10 classes, 500 labelled) takes under 4 s of one processor, but longer where
the table says so. N' pool images, N pool and labelled images, C classes, d features, k images selected, T networks.

| strategy | asks | gets | cost |
|---|---|---|---|
"""

LEFT_OUT = """
## What is not here, and why

| of | left out | because |
|---|---|---|
| scikit-activeml | `ExpectedModelChangeMaximization`, `ExpectedModelOutputChange`, `ExpectedModelVarianceReduction`, `KLDivergenceMaximization`, `GreedySamplingTarget`, `RegressionTreeBasedAL` | they ask for a regressor and numbers to predict |
| | `EpistemicUncertaintySampling` | it takes two classes and no more |
| | `UncertaintySampling(method="expected_average_precision")` | a Python loop over N'^2 C: 400 images of 4 classes take minutes |
| | `SubSamplingWrapper`, `ParallelUtilityEstimationWrapper` | they wrap a strategy and are none |
| | `pool.multiannotator` | labels have one source |
| | `stream` | no pool is asked |
| baal | `Precomputed`, `CombineHeuristics` | they take values, or several outputs, and have no idea of their own |
| | samplers of `Certainty` and `Margin` | the samplers ignore that less is wanted there |
"""  # noqa: E501 - rows of a table

GETS = {
    "": "features and labels",
    "head": "features, labels, the network's head",
    "parzen": "features and labels, for a Parzen window classifier",
    "mixture": "features and labels, for its classifier by a Gaussian mixture",
    "logistic": "features, for a logistic regression",
    "committee": "features and labels, for 8 bagged logistic regressions",
    "networks": "posteriors of `samples` dropout networks",
}
COSTS = {
    "BatchBALD": "O(k N' T C M): a minute for 2,000 images, and N' M C numbers in memory, M = T draws",
    "EPIG": "O(N' targets T C^2)",
}


def page() -> str:
    """Return the page."""
    return INTRODUCTION + "\n".join(_rows()) + "\n" + LEFT_OUT


def _rows() -> Iterator[str]:
    for name in TARGETS:
        library, _, asked = name.partition("-")
        row = _of_skactiveml(RECIPES[asked]) if library == "skal" else _of_baal(asked)
        yield f"| `{name}` | {' | '.join(row)} |"


def _of_skactiveml(recipe: Recipe) -> tuple[str, str, str]:
    method = recipe.options(2, [[0.0]], 0).get("method") if recipe.cls in _WITH_METHODS else None
    asked = f'{recipe.cls}(method="{method}")' if method else recipe.cls
    return f"`{asked}`", GETS[recipe.model], recipe.cost


def _of_baal(name: str) -> tuple[str, str, str]:
    sampler, _, base = name.partition("-")
    asked = f"{SAMPLERS[sampler]}({HEURISTICS[base]}())" if base else HEURISTICS[name]
    return f"`{asked}`", GETS["networks"], COSTS.get(asked, "O(N' T C)")


_WITH_METHODS = ("UncertaintySampling", "QueryByCommittee", "MonteCarloEER")
