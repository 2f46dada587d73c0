"""The clauses of a learner's contract, one function each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from albench.contracts.generators import unchanged_generators
from albench.contracts.learner import Examples, Learner
from albench.plugins import parameters
from albench.rng import stream
from albench.testing.clauses import Budget, Clause, ContractError, check_round_trip, entering
from albench.testing.probes import ProbeNetwork
from albench.testing.randomness import only_draws
from albench.training.model import Model

KNOWN, NOVEL = (0, 1), 2
LEARNER_CLAUSES: list[Clause] = []
_clause = entering(LEARNER_CLAUSES)


def _examples() -> Examples:
    """Return 24 examples of two known classes, then 4 of a novel one."""
    draws = stream(0, "examples of a learner")
    labels = np.array([*(place % 2 for place in range(24)), *[NOVEL] * 4])
    templates = draws.integers(60, 200, size=(3, 1, 6, 6))
    images = templates[labels] + draws.integers(-40, 40, size=(len(labels), 1, 6, 6))
    return Examples(images.astype(np.uint8), labels)


def _initial(examples: Examples) -> Examples:
    return Examples(examples.inputs[:24], examples.labels[:24])


def _model() -> Model:
    return Model(ProbeNetwork(), 0, list(KNOWN), _initial(_examples()).inputs, "cpu")


def _fitted(learner: Learner) -> Model:
    model = _model()
    learner.fit(model, _initial(_examples()))
    return model


def _updated(learner: Learner, model: Model) -> Model:
    model.grow(NOVEL)
    learner.update(model, _examples(), 4, 1)
    return model


def _differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    return [name for name in one if not torch.equal(one[name], other[name])]


@_clause("No global random generator is moved")
def _own_randomness(learner: Learner, _: Budget) -> None:
    mend = (
        "draw from albench.stream(model.seed, ...), and let what draws by itself do so inside torch.random.fork_rng() "
        "after torch.manual_seed with a number from there"
    )
    with only_draws(), unchanged_generators("it", mend, ContractError):
        _updated(learner, _fitted(learner))


@_clause("It trains: weights change and stay finite, at first and after a query")
def _trains(learner: Learner, _: Budget) -> None:
    before, model = _model().weights(), _fitted(learner)
    fitted = {name: value.clone() for name, value in model.weights().items()}
    if not _differing(before, fitted):
        raise ContractError("fit(model, examples) leaves the weights as they were; train model.network")
    updated = _updated(learner, model).weights()
    if not _differing(
        fitted, {name: value[: len(fitted[name])] if value.ndim else value for name, value in updated.items()}
    ):
        raise ContractError("update(model, ...) leaves the weights as they were; train model.network")
    if not all(bool(value.isfinite().all()) for value in updated.values()):
        raise ContractError(
            "a weight is not finite after an update; raise albench.DivergedError where training diverges"
        )


@_clause("Each class keeps one output, and the network is left in eval mode")
def _outputs(learner: Learner, _: Budget) -> None:
    model = _updated(learner, _fitted(learner))
    if sorted(model.classes) != sorted([*KNOWN, NOVEL]) or model.network.head.out_features != len(model.classes):
        raise ContractError(
            f"after an update the classes are {model.classes} and the outputs {model.network.head.out_features}; keep "
            "one output for each class"
        )
    if model.network.training:
        raise ContractError("it leaves the network in training mode; call model.network.eval() at the end")


@_clause("The same training gives the same bits, whatever ran before", after=["own-randomness"])
def _deterministic(learner: Learner, _: Budget) -> None:
    first = _updated(learner, _fitted(learner)).weights()
    before = torch.get_rng_state()
    try:
        torch.manual_seed(20161101)
        wrong = _differing(first, _updated(learner, _fitted(learner)).weights())
    finally:
        torch.set_rng_state(before)
    if wrong:
        raise ContractError(
            f"{wrong[0]} differs between two trainings of seed 0; draw from albench.stream(model.seed, ...)"
        )


@_clause(
    "It keeps nothing between rounds: a resumed cell trains as an uninterrupted one",
    after=["own-randomness", "deterministic"],
)
def _resumes(learner: Learner, _: Budget) -> None:
    model = _fitted(learner)
    weights = {name: value.clone() for name, value in model.weights().items()}
    resumed = _model()
    resumed.load(weights, model.classes)
    again = replace(learner)  # as another process has it
    wrong = _differing(_updated(learner, model).weights(), _updated(again, resumed).weights())
    if wrong:
        raise ContractError(
            f"{wrong[0]} differs when training goes on from stored weights; keep all that matters in them"
        )


@_clause("What `update_only` names does not touch the initial training", after=["own-randomness", "deterministic"])
def _update_only(learner: Learner, _: Budget) -> None:
    fitted = _fitted(learner).weights()
    fields = parameters.fields(type(learner))
    for name in sorted(learner.update_only):
        if name not in fields:
            raise ContractError(f"update_only names {name!r}, and there is no such parameter; take it out of there")
        value = getattr(learner, fields[name].name)
        other = value + 1 if isinstance(value, int) else value / 2 if isinstance(value, float) else value
        wrong = _differing(fitted, _fitted(replace(learner, **{fields[name].name: other})).weights())
        if wrong:
            raise ContractError(f"{name} changes {wrong[0]} in the initial training; take it out of update_only")


@_clause("Its parameters survive being written as text and as JSON")
def _text_round_trip(learner: Learner, _: Budget) -> None:
    check_round_trip(learner)
