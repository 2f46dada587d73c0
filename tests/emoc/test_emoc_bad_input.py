"""Bad input: a clear error or the documented result, never NaN."""

from __future__ import annotations

import pytest
import torch

import albench
from albench.contracts.query import Query
from albench.errors import RequestError, StrategyError
from albench.running.asking import ask
from albench_strategies.emoc import problem
from albench_strategies.emoc.problem import Problem
from albench_strategies.emoc.strategy import Emoc
from albench_strategies.numerics.gradients.recorder import Recorder
from tests.emoc.queries import small_query


def filled(query: Query, value: float) -> Query:
    with torch.no_grad():
        for parameter in query.network.parameters():
            parameter.fill_(value)
    return query


@pytest.mark.parametrize("path", ["structured", "autograd"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_emoc_refuses_a_network_that_is_not_finite(path: str, value: float) -> None:
    query = filled(small_query(), value)
    with pytest.raises(StrategyError, match="not finite"):
        albench.strategy(f"emoc[path={path}]").score_sets(query)


def test_emoc_refuses_scores_that_overflow() -> None:
    query = small_query()
    with torch.no_grad():
        query.network.head.weight.mul_(1e30)
    query.network.head.bias.data.zero_()
    with pytest.raises(StrategyError, match="not finite"):
        albench.strategy("emoc[label=expected]").score_sets(query)


def test_emoc_of_no_candidates_is_no_scores() -> None:
    query = small_query()
    none = Query(
        query.network, query.pool, query.labeled, query.labels, torch.zeros(0, 2, dtype=torch.int64), query.generator
    )
    assert albench.strategy("emoc").score_sets(none).shape == (0,)
    empty = Query(query.network, query.pool[:0], query.labeled, query.labels, None, query.generator)
    assert albench.strategy("emoc").score(empty).shape == (0,)


def test_emoc_of_one_class_is_zero_since_its_loss_has_no_gradient_and_a_warning_is_noted() -> None:
    query = small_query(n_classes=1)
    answer = ask(albench.strategy("emoc"), query, albench.protocol("discovery"))
    assert answer.chosen.tolist() == query.sets[0].tolist()
    assert "all EMOC scores are 0" in str(answer.notes["warning"])


@pytest.mark.parametrize("path", ["structured", "autograd"])
def test_emoc_of_a_dead_network_chooses_the_first_set_and_notes_a_warning(path: str) -> None:
    query = filled(small_query(), 0.0)
    with torch.no_grad():
        query.network.head.bias.copy_(torch.tensor([300.0, -300.0, -300.0]))  # the posterior is exactly one class
    answer = ask(albench.strategy(f"emoc[path={path}]"), query, albench.protocol("discovery"))
    assert answer.chosen.tolist() == query.sets[0].tolist()
    assert "warning" in answer.notes


def test_emoc_of_equal_probabilities_labels_with_the_first_class() -> None:
    query = small_query()
    with torch.no_grad():
        query.network.head.weight.zero_()
        query.network.head.bias.zero_()
    assert bool((query.probabilities == query.probabilities[0, 0]).all())
    scores = albench.strategy("emoc").score_sets(query)
    assert torch.isfinite(scores).all()
    assert (scores > 0).all()


@pytest.mark.parametrize(
    "parameter", ["tolerance=-0.1", "tolerance=1", "tolerance=nan", "expectation=0", "expectation=-3", "path=fast"]
)
def test_emoc_refuses_a_parameter_out_of_range_by_name(parameter: str) -> None:
    with pytest.raises(RequestError, match=parameter.partition("=")[0]):
        albench.strategy(f"emoc[{parameter}]")


def test_emoc_built_in_python_refuses_a_parameter_out_of_range_too() -> None:
    with pytest.raises(ValueError, match="tolerance"):
        Emoc(tolerance=float("nan"))
    with pytest.raises(ValueError, match="expectation"):
        Emoc(expectation=0)


def test_emoc_halves_the_chunk_when_memory_runs_out_and_loses_no_image() -> None:
    query = small_query(n_pool=11)
    every = torch.arange(11)
    asked = Problem(Recorder(query.network, False), query.pool, query.pool, every, every % 3, False)
    sizes = []

    def partial(images: torch.Tensor) -> torch.Tensor:
        sizes.append(len(images))
        if len(images) > 2:
            raise torch.OutOfMemoryError("no memory")
        return images.sum(dim=0)

    total = torch.stack(list(asked.over_images(8, partial))).sum(dim=0)
    torch.testing.assert_close(total, query.pool.sum(dim=0))
    assert sizes[:3] == [8, 4, 2]
    with pytest.raises(torch.OutOfMemoryError):
        list(asked.over_images(8, lambda _: partial(query.pool)))


def test_emoc_scores_survive_running_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = albench.strategy("emoc[tolerance=0]").score_sets(small_query())
    jacobian = Problem.jacobian

    def small_memory(self: Problem, images: torch.Tensor) -> list[problem.Factors]:
        if len(images) > 3:
            raise torch.OutOfMemoryError("no memory")
        return jacobian(self, images)

    monkeypatch.setattr(Problem, "jacobian", small_memory)
    torch.testing.assert_close(albench.strategy("emoc[tolerance=0]").score_sets(small_query()), whole)
