"""One cause gives one message that names it; clauses that it would break too are not judged."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import albench
from albench.contracts.component import Component
from albench.networks.cifar10_quick import Cifar10Quick
from albench.protocols.topk import TopK
from albench.testing import CLAUSES, Finding, examine
from albench.training.finetune import Finetune
from tests.conftest import Cli, PluginFolder
from tests.testing import bad_strategies as bad

NOT_JUDGED = "not judged, because own-randomness is broken; mend that first"
SEEDED = "torch.manual_seed(int(torch.randint(2**62, (), generator=query.generator)))"


def _findings(kind: str, component: Component) -> dict[str, Finding]:
    return {clause.name: examine(clause, component) for clause in CLAUSES[kind]}


class PlainLayer(bad.Good):
    def score(self, query: albench.Query) -> Tensor:
        return nn.Linear(query.features.shape[1], 1)(query.features).detach()[:, 0]


class PlainDropout(bad.Good):
    def score(self, query: albench.Query) -> Tensor:
        return F.dropout(query.features, 0.3).norm(dim=1)


class ForkedOnly(bad.Good):
    def score(self, query: albench.Query) -> Tensor:
        with torch.random.fork_rng():
            return torch.rand(len(query.pool))


class ForkedNumpy(bad.Good):
    def score(self, query: albench.Query) -> Tensor:
        state = np.random.get_state()
        drawn = torch.from_numpy(np.random.rand(len(query.pool)))
        np.random.set_state(state)
        return drawn


class ForkedAndSeeded(bad.Good):
    """Does what the sentence says: no clause is broken."""

    def score(self, query: albench.Query) -> Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(int(torch.randint(2**62, (), generator=query.generator)))
            return F.dropout(query.features, 0.3).norm(dim=1)


class Raises(bad.Good):
    def score(self, query: albench.Query) -> Tensor:
        raise KeyError("no such thing")


class GlobalLayer(Cifar10Quick):
    def build(self, image_shape: Any, n_classes: int, draws: np.random.Generator) -> nn.Module:
        module = super().build(image_shape, n_classes, draws)
        module.extra = nn.Linear(3, 3)
        return module


class DropoutInEvalMode(Cifar10Quick):
    def build(self, image_shape: Any, n_classes: int, draws: np.random.Generator) -> nn.Module:
        module: Any = super().build(image_shape, n_classes, draws)
        inner = module.features
        module.features = lambda images: F.dropout(inner(images), 0.5)
        return module


class GlobalTraining(Finetune):
    def fit(self, model: Any, examples: Any) -> None:
        super().fit(model, examples)
        with torch.no_grad():
            model.network.head.weight += torch.rand(1)


class GlobalChoice(TopK):
    def choose(self, strategy: Any, query: Any) -> Any:
        return np.random.permutation(super().choose(strategy, query))


@dataclass(frozen=True)
class GlobalSplit(albench.DiscoveryScenario):
    known: int = 2
    novel: int = 1
    initial_per_class: int = 2
    pool_per_class: int = 4
    test_per_class: int = 2
    kept: ClassVar[Mapping[str, Any]] = {}

    def data(self) -> albench.LabeledImages:
        labels = np.repeat(np.arange(4), 10)
        images = np.random.randint(0, 256, size=(40, 1, 4, 4)).astype(np.uint8)
        return albench.LabeledImages.in_canonical_order(images, labels, list("abcd"))

    def split(self, seed: int) -> albench.Split:
        random.random()
        return super().split(seed)


CASES: list[tuple[str, Component, str]] = [
    ("strategies", PlainLayer(), f"what draws by itself, as new layers and dropout do, goes inside torch.random.fork_rng() after {SEEDED}"),
    ("strategies", PlainDropout(), "it drew from the global generator of torch; draw from query.generator"),
    ("strategies", ForkedOnly(), f"depends on the state of a global generator, though it puts that back; inside torch.random.fork_rng(), seed from query.generator first: {SEEDED}"),
    ("strategies", ForkedNumpy(), "depends on the state of a global generator"),
    ("networks", GlobalLayer(), "do what draws by itself, as new layers do, inside torch.random.fork_rng(), after torch.manual_seed(int(draws.integers(2**63)))"),
    ("networks", DropoutInEvalMode(), "let no layer draw in eval mode: use torch.nn.Dropout as a layer of the module, or F.dropout(x, training=self.training)"),
    ("learners", GlobalTraining(initial_iterations=3, update_iterations=3, batch_size=4), "draw from albench.stream(model.seed, ...)"),
    ("protocols", GlobalChoice(query_size=20), "it drew from the global generator of numpy; draw from `draws`"),
    ("scenarios", GlobalSplit(), "it drew from the global generator of numpy; draw from albench.stream(seed, purpose)"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "component", "cause"), CASES, ids=[type(case[1]).__name__ for case in CASES])
def test_a_global_draw_breaks_one_clause_which_names_it_and_what_to_do(
    kind: str, component: Component, cause: str
) -> None:
    findings = _findings(kind, component)
    broken = {name: finding.message for name, finding in findings.items() if finding.outcome == "broken"}
    assert list(broken) == ["own-randomness"], broken
    assert cause in broken["own-randomness"]
    assert {finding.message for finding in findings.values() if finding.outcome == "skipped"} <= {NOT_JUDGED}


def test_check_prints_the_cause_once_and_the_clauses_that_it_would_break_on_one_line(
    plugins: PluginFolder, cli: Cli
) -> None:
    body = "def score(self, query):\n    import torch\n    return torch.rand(len(query.pool))"
    plugins.install_strategy("noisy", body)
    ran = cli("check", "plugin_noisy")
    assert ran.code == 1
    assert ran.out.count("global generator of torch") == 1
    assert (
        f"skipped deterministic, memory, ids, labels-unreachable, pool-order, batch-size, other-sets: {NOT_JUDGED}"
        in ran.out
    )
    assert "back door" not in ran.out


def test_what_the_sentence_of_a_global_draw_says_to_do_breaks_nothing() -> None:
    assert {finding.outcome for finding in _findings("strategies", ForkedAndSeeded()).values()} == {"holds"}


def test_a_strategy_that_counts_its_calls_is_told_so_once() -> None:
    findings = _findings("strategies", bad.Counts())
    assert [name for name, finding in findings.items() if finding.outcome == "broken"] == ["deterministic"]
    assert findings["labels-unreachable"].message == "not judged, because deterministic is broken; mend that first"


def test_another_fault_is_not_taken_for_a_global_draw() -> None:
    findings = _findings("strategies", Raises())
    assert findings["own-randomness"].outcome == "skipped"
    assert findings["own-randomness"].message == "KeyError: 'no such thing'"
    assert findings["deterministic"].outcome == "broken"
    assert "no such thing" in findings["shapes"].message


@dataclass(frozen=True)
class Tabled(bad.Good):
    table: dict[str, list[float]] = field(default_factory=lambda: {f"key {i}": [i / 7] * 20 for i in range(100)})


def test_a_large_parameter_is_shown_in_a_short_sentence(plugins: PluginFolder, cli: Cli) -> None:
    finding = _findings("strategies", Tabled())["text-round-trip"]
    assert finding.outcome == "broken"
    assert "cannot be read back from text" in finding.message
    assert "use fields of type int, float, bool, str or Literal" in finding.message
    assert len(finding.message) < 600
    table = "table: str = 'x' * 12000\ndef score(self, query):\n    return query.logits[:, 0]"
    plugins.install_strategy("tabled", table)
    assert len(cli("show", "tabled").out) < 700
    rewritten = f"{table}\ndef __post_init__(self):\n    object.__setattr__(self, 'table', self.table + 'y')"
    plugins.install_strategy("rewriting", rewritten)
    checked = cli("check", "plugin_rewriting").out
    assert "it comes back from text as Plugin(" in checked
    assert len(checked) < 1000
