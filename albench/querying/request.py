"""What is asked for, and its components, checked before anything is read or trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from albench.analysis import STABLE
from albench.contracts.component import Component
from albench.contracts.strategy import Strategy, selects
from albench.errors import RequestError, shown
from albench.plugins import parameters
from albench.plugins.host import host
from albench.study.choice import Choice
from albench.study.layers import KEYS, Layer, names, placed
from albench.study.seeds import LARGEST
from albench.study.study import choices, unreached

LEARNER = "retrain"
LEARNER_OF_FEATURES = "retrain[optimizer=adamw,learning_rate=0.001]"  # features come on any scale


@dataclass(frozen=True)
class QueryRequest:
    """What a user asks for; None where they said nothing."""

    labeled: str | Path | None = None
    unlabeled: str | Path | None = None
    features: str | Path | None = None
    strategy: str | Component | None = None
    strategy_from: str | Path | None = None
    setting: str | None = None  # of the store that strategy_from names
    k: int = 100
    scenario: str | Component | None = None
    network: str | Component | None = None
    learner: str | Component | None = None
    values: Mapping[str, Any] = field(default_factory=dict)  # of --set: parameters by their names
    history: Sequence[str | Path] = ()
    stop_agreement: float = STABLE
    seed: int = 0

    def check(self) -> None:
        """Raise RequestError for what can be seen to be wrong without looking at anything."""
        if (self.strategy is None) == (self.strategy_from is None):
            raise RequestError(
                "give either a strategy with --strategy ('albench list strategies'), or with --strategy-from a store "
                "whose leading one is taken"
            )
        if (self.labeled is None) == (self.features is None):
            raise RequestError(
                "give either a folder of labelled images with --labeled (and --unlabeled), or a file of features with "
                "--features"
            )
        if self.setting is not None and self.strategy_from is None:
            raise RequestError("--setting names a setting of a store; give that with --strategy-from")
        if self.k < 1:
            raise RequestError(f"-k {self.k}; ask for 1 or more")
        if not 0 <= self.seed <= LARGEST:
            raise RequestError(f"--seed {shown(self.seed)}; give a number from 0 to 2^63 - 1")
        if not 0 < self.stop_agreement <= 1:
            raise RequestError(f"--stop-agreement {self.stop_agreement:g}; give a share above 0, at most 1")


@dataclass(frozen=True)
class Parts:
    """The components of a query."""

    scenario: Choice
    network: Choice
    learner: Choice


def read_parts(request: QueryRequest) -> Parts:
    """Return the components of a request, configured; RequestError."""
    of_features = request.features is not None
    scenario = request.scenario or ("features" if of_features else "images")
    asked = _placed({"scenarios": scenario, "network": request.network, "learner": request.learner})
    given: dict[str, Any] = {
        "network": "linear" if of_features else "cifar10-quick",
        "learner": LEARNER_OF_FEATURES if of_features else LEARNER,
    }
    text = names(asked, "scenarios")[0]
    if isinstance(text, str):
        name, _ = parameters.parse(text)
        given["scenarios"] = {name: {_path_parameter(name): str(request.features or request.labeled)}}
    layers: list[Layer] = [given, asked]
    reached: set[str] = set()
    parts = Parts(*(_one(key, layers, request.values, reached) for key in ("scenarios", "network", "learner")))
    for name in request.values:
        if name not in reached:
            raise RequestError(unreached(name, (parts.scenario, parts.network, parts.learner)))
    return parts


def read_strategy(wanted: str | Component | None) -> Choice:
    """Return a configured strategy; RequestError, as where none is wanted."""
    return _one("strategies", [_placed({"strategies": wanted})], {}, set())


def check_strategy(choice: Choice) -> Strategy:
    """Return the strategy of a choice, or raise RequestError where nobody's pool can be asked by it."""
    strategy: Strategy = choice.build()
    if strategy.permission is not None:
        raise RequestError(
            f"{choice.label} is a reference line: it sees {strategy.permission}, which are what is asked for here; "
            "choose another strategy"
        )
    if not selects(strategy):
        raise RequestError(
            f"{choice.label} only ranks candidate sets, which are drawn with labels that nobody has here; choose a "
            "strategy that values or selects single examples"
        )
    return strategy


def _placed(asked: Mapping[str, Any]) -> Layer:
    """Return a layer of the command line: paths in it are taken from where it was typed."""
    return placed({key: value for key, value in asked.items() if value is not None}, Path.cwd())


def _one(key: str, layers: Sequence[Layer], values: Mapping[str, Any], reached: set[str]) -> Choice:
    found = choices(key, layers, values, reached)
    if len(found) != 1:
        names = ", ".join(choice.label for choice in found)
        raise RequestError(f"{key}: {names} are {len(found)}; a query takes one")
    return found[0]


def _path_parameter(scenario: str) -> str:
    """Return the parameter of a scenario that names its data; RequestError where it has none."""
    found = sorted(parameters.path_parameters(host().component_class(KEYS["scenarios"], scenario)))
    if not found:
        raise RequestError(
            f"the scenario {scenario} reads no data of one's own; choose one that does, such as images or features"
        )
    return found[0]
