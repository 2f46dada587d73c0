"""The low-rank path: within its tolerance, noted, reproducible, and not taken where it does not pay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

import albench
from albench.contracts.query import Query
from albench.products.matmul import current, use
from albench_strategies.emoc import lowrank, problem, worth
from albench_strategies.emoc.forms import Form
from albench_strategies.emoc.lowrank import low_rank_scores
from albench_strategies.emoc.problem import Problem
from albench_strategies.emoc.spectrum import NEGLIGIBLE, factored, orthonormal, rms_relative_error, top_directions
from albench_strategies.emoc.worth import RANKS, by_sketch, hopeless, looked_at, needs_look, pays, pilot_images
from albench_strategies.numerics.gradients.layers import Shape
from albench_strategies.numerics.gradients.recorder import Recorder
from tests.emoc import oracle
from tests.emoc.queries import small_query

EXPLICIT, GRAM = Form.explicit, Form.gram
REFERENCE = [
    Shape(1, 1024, 20, 32, 76),
    Shape(1, 256, 20, 32, 801),
    Shape(1, 64, 20, 64, 801),
    Shape(1, 1, 20, 64, 1025),
]
REFERENCE_FORMS = [EXPLICIT, EXPLICIT, EXPLICIT, GRAM]


def wide_query(n_pool: int = 150, seed: int = 0, n_classes: int = 4) -> Query:
    """A query over smooth images: the gradients of noise have no low rank, those of images do."""
    query = albench.testing.make_query(
        n_pool=n_pool, n_labeled=20, n_classes=n_classes, n_sets=30, set_size=9, image_shape=(3, 12, 12), seed=seed
    )
    generator = torch.Generator().manual_seed(seed)
    coarse = 100 * torch.randn(n_pool + 20, 3, 3, 3, generator=generator)
    images = F.interpolate(coarse, size=(12, 12), mode="bilinear")
    return Query(query.network, images[:n_pool], images[n_pool:], query.labels, query.sets, query.generator)


@pytest.mark.parametrize("options", ["", "output=softmax,", "label=example,"])
def test_emoc_low_rank_scores_are_within_the_tolerance_of_exact_ones(
    options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worth, "WORTH_IT", 10.0)
    query = wide_query()
    near = albench.strategy(f"emoc[{options}tolerance=0.02]").score_sets(query)
    assert query.notes["emoc_rank"] in RANKS
    assert 0 < float(query.notes["emoc_rms_error"]) <= 0.02
    exact = albench.strategy(f"emoc[{options}tolerance=0]").score_sets(wide_query())
    assert 0 < rms_relative_error(near, exact) < 0.02


@pytest.mark.parametrize("product", ["mkl", "mkl+bf16"])
@pytest.mark.parametrize("softmax", [False, True])
def test_emoc_low_rank_scores_of_more_outputs_than_inputs_of_the_head_are_within_the_tolerance_of_the_oracle(
    softmax: bool, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worth, "WORTH_IT", 10.0)
    query, labels = wide_query(150, n_classes=70), torch.arange(150) % 3
    images, before = query.pool[:12], current()
    use(product)
    try:
        found = Problem(Recorder(query.network, False), images, query.pool, torch.arange(150), labels, softmax)
        assert {shape.functions for shape in found.shapes()[:-1]} == {64}
        estimate = low_rank_scores(found, 0.05, torch.Generator().manual_seed(0))
    finally:
        use(before)
    assert estimate is not None
    few = range(0, 150, 75)
    expected = [oracle.pair_score(query.network, images, query.pool[i], int(labels[i]), softmax, False) for i in few]
    assert rms_relative_error(estimate.scores[list(few)], torch.tensor(expected)) < 0.05


def test_emoc_low_rank_measures_its_error_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "WORTH_IT", 10.0)
    monkeypatch.setattr(lowrank, "CHECKED_PAIRS", 150)
    monkeypatch.setattr(worth, "PILOT_IMAGES", 10_000)
    monkeypatch.setattr(worth, "PILOT_SHARE", 1)
    query = wide_query()
    near = albench.strategy("emoc[label=example,tolerance=0.1]").score(query)
    exact = albench.strategy("emoc[label=example,tolerance=0]").score(wide_query())
    assert float(query.notes["emoc_rms_error"]) == pytest.approx(rms_relative_error(near, exact), rel=1e-2)


def test_emoc_grows_the_rank_with_the_demand_until_only_exact_scores_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "WORTH_IT", 10.0)
    monkeypatch.setattr(worth, "RANKS", (2, 8, 64))
    monkeypatch.setattr(worth, "SKETCHES", (2, 8, 64))
    ranks = []
    for tolerance in (0.9, 0.012, 1e-9):
        query = wide_query()
        albench.strategy(f"emoc[tolerance={tolerance}]").score_sets(query)
        ranks.append(query.notes["emoc_rank"])
    assert ranks == [2, 64, "exact"]


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 30), st.integers(0, 1000))
def test_emoc_directions_over_few_inputs_lose_as_little_as_they_promise(
    rank: int, outputs: int, width: int, seed: int
) -> None:
    draws = torch.Generator().manual_seed(seed)
    decay = torch.logspace(0, -3, width, dtype=torch.float64)
    rows = torch.randn(rank, outputs, width, generator=draws, dtype=torch.float64) * decay
    directions, sizes = rows.reshape(rank, -1), torch.rand(rank, generator=draws, dtype=torch.float64)
    found = factored(directions, sizes, width)
    lost = ((directions - found.expanded()) * sizes[:, None]).square().sum()
    assert found.basis.shape[1] <= width
    assert lost <= (NEGLIGIBLE + 1e-9) * (directions * sizes[:, None]).square().sum()


def test_emoc_directions_that_are_all_zero_stay_so() -> None:
    found = factored(torch.zeros(3, 12), torch.zeros(3), 4)
    assert found.basis.shape == (4, 1)
    assert not found.expanded().any()
    assert factored(torch.zeros(0, 12), torch.zeros(0), 4).expanded().shape == (0, 12)


def test_emoc_low_rank_scores_repeat_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "WORTH_IT", 10.0)
    strategy = albench.strategy("emoc[tolerance=0.02]")
    assert torch.equal(strategy.score_sets(wide_query()), strategy.score_sets(wide_query()))


def test_emoc_low_rank_with_more_pairs_than_memory_learns_directions_from_part_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worth, "WORTH_IT", 10.0)
    monkeypatch.setattr(problem, "CPU_GRADIENT_BYTES", 100 * 79_000 * 4)
    query = wide_query()
    near = albench.strategy("emoc[label=expected,tolerance=0.05]").score_sets(query)
    assert query.notes["emoc_rank"] in RANKS
    exact = albench.strategy("emoc[label=expected,tolerance=0]").score_sets(wide_query())
    assert rms_relative_error(near, exact) < 0.05


def test_emoc_scores_small_problems_exactly_because_low_rank_does_not_pay_there() -> None:
    query = small_query()
    albench.strategy("emoc").score_sets(query)
    assert query.notes == {"emoc_rank": "exact", "emoc_rms_error": 0.0}


def test_emoc_counts_that_low_rank_pays_at_the_reference_size_and_not_for_the_quickstart() -> None:
    assert all(pays(REFERENCE, REFERENCE_FORMS, 3000, 2000, rank) for rank in (64, 128, 256, 512))
    assert not pays(REFERENCE, REFERENCE_FORMS, 3000, 60, 64), "fewer pairs than directions"
    digits = [Shape(1, 64, 7, 32, 26), Shape(1, 16, 7, 32, 801), Shape(1, 4, 7, 64, 801), Shape(1, 1, 7, 64, 65)]
    assert not pays(digits, [EXPLICIT, EXPLICIT, GRAM, GRAM], 200, 150, 64)


def test_emoc_finds_the_directions_of_a_matrix_of_low_rank() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(50, 7, generator=generator) @ torch.randn(7, 300, generator=generator)
    directions = top_directions(rows, 20, generator)
    assert len(directions) == 7
    torch.testing.assert_close(directions @ directions.T, torch.eye(7), rtol=0, atol=1e-4)
    torch.testing.assert_close(rows @ directions.T @ directions, rows, rtol=1e-3, atol=1e-3)


def test_emoc_directions_of_gradients_that_are_all_zero_are_none() -> None:
    assert len(orthonormal(torch.zeros(4, 30))) == 0


def test_emoc_relative_error_of_zero_scores_is_zero_or_infinite_and_never_nan() -> None:
    zero = torch.zeros(2)
    assert rms_relative_error(zero, zero) == 0
    assert rms_relative_error(torch.ones(2), zero) == float("inf")
    assert rms_relative_error(torch.tensor([1.1, 0.9]), torch.ones(2)) == pytest.approx(0.1, rel=1e-5)


@pytest.mark.parametrize(
    ("errors", "limit", "expected"),
    [
        ({64: 0.02, 128: 0.01}, 0.003, False),  # a half at each doubling: 0.0025 at 512
        ({64: 0.02, 128: 0.01}, 0.002, True),
        ({64: 0.02, 80: 0.018, 128: 0.01}, 0.003, False),
        ({64: 0.02, 128: 0.02}, 0.019, True),
        ({64: 0.02, 128: 0.03}, 0.019, True),
        ({64: float("inf"), 128: 0.01}, 0.003, False),
        ({64: 0.0, 128: 0.0}, 0.003, False),
        ({64: 0.02}, 0.003, False),
    ],
)
def test_emoc_gives_up_where_errors_fall_too_slowly(errors: dict[int, float], limit: float, expected: bool) -> None:
    assert hopeless(errors, 512, limit) is expected


def test_emoc_asks_a_larger_sketch_for_small_ranks_too_and_none_twice() -> None:
    assert by_sketch([32, 128, 160, 512]) == [[32, 128], [32, 128, 160], [32, 128, 160, 512]]
    assert by_sketch([32, 64]) == [[32, 64]]
    assert by_sketch([160]) == [[160]]
    assert by_sketch([]) == []


def test_emoc_measures_on_few_images_where_there_are_few() -> None:
    assert [pilot_images(n) for n in (1, 80, 400, 3000)] == [1, 10, 50, 64]


@pytest.fixture
def lowered() -> Iterator[None]:
    before = current()
    use("mkl+bf16")
    yield
    use(before)


@pytest.mark.parametrize("options", ["", "output=softmax,", "label=expected,"])
def test_emoc_in_bf16_is_within_the_tolerance_that_it_measures(
    options: str, lowered: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worth, "WORTH_IT", 10.0)
    query = wide_query()
    near = albench.strategy(f"emoc[{options}tolerance=0.02]").score_sets(query)
    assert query.notes["emoc_rank"] in RANKS
    exact = albench.strategy(f"emoc[{options}tolerance=0]").score_sets(wide_query())
    use("mkl")
    assert torch.equal(exact, albench.strategy(f"emoc[{options}tolerance=0]").score_sets(wide_query()))
    exactly_near = albench.strategy(f"emoc[{options}tolerance=0.02]").score_sets(wide_query())
    assert rms_relative_error(near, exactly_near) > 0
    assert rms_relative_error(near, exact) < 0.02


def test_emoc_in_bf16_counts_the_error_of_rounding_in_what_it_measures(
    lowered: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worth, "WORTH_IT", 10.0)
    monkeypatch.setattr(lowrank, "CHECKED_PAIRS", 150)
    monkeypatch.setattr(worth, "PILOT_IMAGES", 10_000)
    monkeypatch.setattr(worth, "PILOT_SHARE", 1)
    query = wide_query()
    near = albench.strategy("emoc[label=example,tolerance=0.1]").score(query)
    exact = albench.strategy("emoc[label=example,tolerance=0]").score(wide_query())
    assert float(query.notes["emoc_rms_error"]) == pytest.approx(rms_relative_error(near, exact), rel=1e-2)


def test_emoc_with_a_tolerance_that_bf16_cannot_meet_is_exact(lowered: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "WORTH_IT", 10.0)
    query = wide_query()
    albench.strategy("emoc[tolerance=1e-5]").score_sets(query)
    assert query.notes["emoc_rank"] == "exact"


def test_emoc_looks_first_where_an_attempt_in_vain_would_cost_much() -> None:
    assert not needs_look(REFERENCE, REFERENCE_FORMS, 3000, 2000)
    assert needs_look(REFERENCE, REFERENCE_FORMS, 550, 2000)
    assert [looked_at(n) for n in (50, 400, 1600, 2000, 9000)] == [50, 192, 400, 500, 512]


@pytest.mark.parametrize("noise", [False, True])
def test_emoc_gives_up_at_the_first_look_on_gradients_without_a_low_rank_and_not_on_others(
    noise: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worth, "WORTH_IT", 10.0)
    monkeypatch.setattr(worth, "RANKS", (8, 16, 32))
    query = wide_query()
    if noise:
        pool = torch.randn(query.pool.shape, generator=torch.Generator().manual_seed(0))
        query = Query(query.network, 100 * pool, query.labeled, query.labels, query.sets, query.generator)
    gathered = []
    whole = lowrank._LowRank.estimate
    monkeypatch.setattr(lowrank._LowRank, "estimate", lambda *given: gathered.append(1) or whole(*given))
    albench.strategy("emoc[tolerance=0.02]").score_sets(query)
    assert (query.notes["emoc_rank"] == "exact") is noise
    assert bool(gathered) is not noise
