"""Every clause of a network's, a protocol's and a learner's contract catches the component that breaks it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

import albench
from albench.contracts.component import Component
from albench.networks.cifar10_quick import Cifar10Quick
from albench.protocols.discovery import Discovery
from albench.protocols.topk import TopK
from albench.testing import (
    LEARNER_CLAUSES,
    NETWORK_CLAUSES,
    PROTOCOL_CLAUSES,
    Clause,
    LearnerContract,
    NetworkContract,
    examine,
)
from albench.training.finetune import Finetune

SHORT = {"initial_iterations": 3, "update_iterations": 3, "batch_size": 4}


class TestCifar10Quick(NetworkContract):
    @pytest.fixture
    def network(self) -> albench.Network:
        return Cifar10Quick()


class PlainInitialisation(Cifar10Quick):
    def build(self, image_shape: Any, n_classes: int, draws: np.random.Generator) -> nn.Module:
        module = super().build(image_shape, n_classes, draws)
        module.extra = nn.Linear(3, 3)
        return module


class ForkedInitialisation(Cifar10Quick):
    """Torch's own initialisation, in the way that the error's sentence names: no clause is broken."""

    def build(self, image_shape: Any, n_classes: int, draws: np.random.Generator) -> nn.Module:
        module = super().build(image_shape, n_classes, draws)
        with torch.random.fork_rng():
            torch.manual_seed(int(draws.integers(2**63)))
            module.extra = nn.Linear(3, 3)
        return module


class RestoredButGlobal(Cifar10Quick):
    """Puts the global generator back, and its weights still depend on what ran before."""

    def build(self, image_shape: Any, n_classes: int, draws: np.random.Generator) -> nn.Module:
        module = super().build(image_shape, n_classes, draws)
        with torch.random.fork_rng():
            module.extra = nn.Linear(3, 3)
        return module


class GlobalHeadRow(Cifar10Quick):
    def head_row(self, n_features: int, draws: np.random.Generator) -> Any:
        random.random()
        return super().head_row(n_features, draws)


class SameForEverySeed(Cifar10Quick):
    def build(self, image_shape: Any, n_classes: int, draws: np.random.Generator) -> nn.Module:
        return super().build(image_shape, n_classes, np.random.default_rng(0))


class WithoutHead(Cifar10Quick):
    def build(self, image_shape: Any, n_classes: int, draws: np.random.Generator) -> nn.Module:
        module = super().build(image_shape, n_classes, draws)
        module.head = nn.Sequential(module.head)
        return module


class ScaledOutputs(Cifar10Quick):
    def build(self, image_shape: Any, n_classes: int, draws: np.random.Generator) -> nn.Module:
        module: Any = super().build(image_shape, n_classes, draws)
        module.forward = lambda images: 2 * module.head(module.features(images))
        return module


class PreparesByBatch(Cifar10Quick):
    def preparation(self, initial: Any) -> Any:
        return lambda inputs: torch.from_numpy(inputs.astype(np.float32) - inputs.mean(axis=0).astype(np.float32))


class PreparesToDouble(Cifar10Quick):
    def preparation(self, initial: Any) -> Any:
        return lambda inputs: torch.from_numpy(inputs.astype(np.float64))


class UsesBatchStatistics(Cifar10Quick):
    def build(self, image_shape: Any, n_classes: int, draws: np.random.Generator) -> nn.Module:
        module: Any = super().build(image_shape, n_classes, draws)
        inner = module.features
        module.features = lambda images: inner(images - images.mean(dim=0, keepdim=True))
        return module


class Forever(TopK):
    def rounds(self, pool_labels: Any) -> int:
        return 5


class TwiceTheSame(TopK):
    def choose(self, strategy: Any, query: Any) -> Any:
        return np.array([0, 0])


class FloatPositions(TopK):
    def choose(self, strategy: Any, query: Any) -> Any:
        return super().choose(strategy, query).astype(np.float64)


class PromisesLess(TopK):
    def rounds(self, pool_labels: Any) -> int:
        return min(1, super().rounds(pool_labels))


class GlobalSets(Discovery):
    def sets(self, pool_labels: Any, draws: np.random.Generator) -> Any:
        np.random.rand()
        return super().sets(pool_labels, draws)


class FreshSets(Discovery):
    def sets(self, pool_labels: Any, draws: np.random.Generator) -> Any:
        return super().sets(pool_labels, np.random.default_rng())


class RecordsOther(TopK):
    columns: ClassVar[Mapping[str, str]] = {"n_novel": "Int64"}


class RecordsArrays(TopK):
    def record(self, labeled: Any) -> dict[str, Any]:
        return {"n_novel_queried": np.int64(3)}


class TakesAName(TopK):
    columns: ClassVar[Mapping[str, str]] = {"accuracy": "float64"}


class DoesNothing(Finetune):
    def update(self, model: Any, examples: Any, n_new: int, round_number: int) -> None:
        pass

    def fit(self, model: Any, examples: Any) -> None:
        pass


class LeavesTraining(Finetune):
    def update(self, model: Any, examples: Any, n_new: int, round_number: int) -> None:
        super().update(model, examples, n_new, round_number)
        model.network.train()


class DrawsGlobally(Finetune):
    def fit(self, model: Any, examples: Any) -> None:
        super().fit(model, examples)
        with torch.no_grad():
            model.network.head.bias += torch.rand(1)


class PutsGeneratorBack(Finetune):
    def fit(self, model: Any, examples: Any) -> None:
        super().fit(model, examples)
        with torch.no_grad(), torch.random.fork_rng():
            model.network.head.bias += torch.rand(1)


class KeepsInModule(Finetune):
    def fit(self, model: Any, examples: Any) -> None:
        super().fit(model, examples)
        model.network.momentum = model.network.head.weight.detach().clone()

    def update(self, model: Any, examples: Any, n_new: int, round_number: int) -> None:
        super().update(model, examples, n_new, round_number)
        if hasattr(model.network, "momentum"):
            with torch.no_grad():
                model.network.head.weight[:2] += model.network.momentum


class UsesWhatItCallsUpdateOnly(Finetune):
    update_only: ClassVar[frozenset[str]] = frozenset({"initial_iterations"})


@dataclass(frozen=True)
class Rewrites(TopK):
    query_size: int = 50

    def __post_init__(self) -> None:
        object.__setattr__(self, "query_size", self.query_size + 1)


BAD: list[tuple[Component, list[Clause], str, str]] = [
    (PlainInitialisation(), NETWORK_CLAUSES, "own-randomness", "drew from the global generator of torch; draw from `draws`"),
    (PlainInitialisation(), NETWORK_CLAUSES, "own-randomness", "torch.random.fork_rng()"),
    (RestoredButGlobal(), NETWORK_CLAUSES, "equal-builds", "extra.weight differs between two builds of seed 0; draw every"),
    (GlobalHeadRow(), NETWORK_CLAUSES, "own-randomness", "growing, its network drew from the global generator of random"),
    (SameForEverySeed(), NETWORK_CLAUSES, "seeds-differ", "seeds 0 and 1 give the same weights"),
    (WithoutHead(), NETWORK_CLAUSES, "shapes", "got no linear layer with a bias as its head"),
    (ScaledOutputs(), NETWORK_CLAUSES, "shapes", "its outputs are not its head of its features"),
    (PreparesByBatch(), NETWORK_CLAUSES, "preparation", "otherwise when it comes with others"),
    (PreparesToDouble(), NETWORK_CLAUSES, "preparation", "its network gave torch.float64 (1, 3, 32, 32); return a float32"),
    (UsesBatchStatistics(), NETWORK_CLAUSES, "eval-mode", "an output changes with the other inputs of its batch"),
    (Forever(query_size=50), PROTOCOL_CLAUSES, "chosen", "of a pool of 0 choose returned int64 of shape (0,)"),
    (TwiceTheSame(query_size=50), PROTOCOL_CLAUSES, "chosen", "positions that repeat or are not in the pool"),
    (FloatPositions(query_size=50), PROTOCOL_CLAUSES, "chosen", "return int64, (k,)"),
    (PromisesLess(query_size=50), PROTOCOL_CLAUSES, "promised", "it promised 1 rounds at most, and 5 were run"),
    (GlobalSets(n_sets=5), PROTOCOL_CLAUSES, "own-randomness", "drew from the global generator of numpy; draw from `draws`"),
    (FreshSets(n_sets=5), PROTOCOL_CLAUSES, "deterministic", "choose other examples the second time"),
    (RecordsOther(), PROTOCOL_CLAUSES, "columns", "it declares ['n_novel'] and records ['n_novel_queried']"),
    (RecordsArrays(), PROTOCOL_CLAUSES, "columns", "what it records is not plain"),
    (TakesAName(), PROTOCOL_CLAUSES, "columns", "has the name of another"),
    (Rewrites(), PROTOCOL_CLAUSES, "text-round-trip", "let __post_init__ change none"),
    (DoesNothing(**SHORT), LEARNER_CLAUSES, "trains", "leaves the weights as they were"),
    (LeavesTraining(**SHORT), LEARNER_CLAUSES, "outputs", "leaves the network in training mode"),
    (PutsGeneratorBack(**SHORT), LEARNER_CLAUSES, "deterministic", "differs between two trainings of seed 0"),
    (DrawsGlobally(**SHORT), LEARNER_CLAUSES, "own-randomness", "drew from the global generator of torch"),
    (UsesWhatItCallsUpdateOnly(**SHORT), LEARNER_CLAUSES, "update-only", "initial_iterations changes convolution.weight in"),
    (KeepsInModule(**SHORT), LEARNER_CLAUSES, "resumes", "head.weight differs when training goes on from stored weights"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("component", "clauses", "name", "message"), BAD, ids=[f"{type(case[0]).__name__}-{case[2]}" for case in BAD]
)
def test_a_bad_component_is_caught_by_the_clause_with_a_sentence(
    component: Component, clauses: list[Clause], name: str, message: str
) -> None:
    finding = examine(next(clause for clause in clauses if clause.name == name), component)
    assert finding.outcome == "broken", finding
    assert message in finding.message


def test_every_clause_has_a_component_that_breaks_it() -> None:
    broken = {(id(clauses), name) for _, clauses, name, _ in BAD}
    every = {(id(clauses), clause.name) for clauses in (NETWORK_CLAUSES, PROTOCOL_CLAUSES, LEARNER_CLAUSES) for clause in clauses}  # fmt: skip
    left = {name for where, name in every - broken}
    assert left <= {"grows", "text-round-trip"}, "no head that is linear and last can break `grows`"


def test_a_network_that_draws_inside_a_fork_seeded_by_its_draws_breaks_nothing() -> None:
    findings = [examine(clause, ForkedInitialisation()) for clause in NETWORK_CLAUSES]
    assert all(finding.is_sound for finding in findings), findings


class TestShortFinetune(LearnerContract):
    @pytest.fixture
    def learner(self) -> Finetune:
        return Finetune(**SHORT)
