"""Heuristics of baal rank as the library does when it is called on plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import albench
from albench.contracts.strategy import Strategy
from albench_strategies.adapters import TARGETS
from tests.strategies.adapters.arrays import N_POOL, Floats, dropped, make_arrays, seed_of, stream

pytest.importorskip("baal", reason="baal is not installed: pip install 'albench[baal]'")

from baal.active import heuristics
from baal.active.heuristics import stochastics

NAMES = [name.removeprefix("baal-") for name in TARGETS if name.startswith("baal-")]
ORDERS = {"in order": np.arange(N_POOL), "permuted": np.random.default_rng(3).permutation(N_POOL)}
SINGLE = {
    "certainty": heuristics.Certainty,
    "entropy": heuristics.Entropy,
    "margin": heuristics.Margin,
    "bald": heuristics.BALD,
    "variance": heuristics.Variance,
}
LESS_IS_MORE = {"random", "certainty", "margin"}  # the library ranks the smallest first
DRAWN = {
    "power-bald": (stochastics.PowerSampling, heuristics.BALD),
    "power-entropy": (stochastics.PowerSampling, heuristics.Entropy),
    "gibbs-bald": (stochastics.GibbsSampling, heuristics.BALD),
    "gibbs-entropy": (stochastics.GibbsSampling, heuristics.Entropy),
    "rank-bald": (stochastics.RankBasedSampling, heuristics.BALD),
    "rank-entropy": (stochastics.RankBasedSampling, heuristics.Entropy),
}
ASKED, TARGETS_OF_EPIG = 6, 10
PAIRS = [(name, order) for name in NAMES for order in ORDERS]


def _library(name: str, posteriors: Floats, seed: int) -> tuple[Any, Any]:
    """Return the picks, the best first, and the values by which the library finds the first of them."""
    np.random.seed(seed)  # the library has no other generator
    torch.manual_seed(seed)
    if name in SINGLE:
        ranks, values = SINGLE[name]().get_ranks(posteriors)
    elif name == "random":
        ranks, values = heuristics.Random(seed=seed).get_ranks(posteriors)
    elif name == "batchbald":
        ranks, _ = heuristics.BatchBALD(ASKED, num_draw=50).get_ranks(posteriors)
        values = heuristics.BALD().get_uncertainties(posteriors)
    elif name == "epig":
        drawn = torch.randperm(N_POOL, generator=torch.Generator().manual_seed(seed))[:TARGETS_OF_EPIG].numpy()
        ranks, values = heuristics.EPIG().get_ranks(posteriors, posteriors[drawn])
    else:
        sampler, base = DRAWN[name]
        ranks, values = sampler(base(), query_size=ASKED).get_ranks(posteriors)
    return ranks[:ASKED], -values if name in LESS_IS_MORE else values


def _expected(name: str, order: str) -> tuple[Any, Any]:
    generator = stream()
    posteriors = dropped(make_arrays().permuted(ORDERS[order]), generator).transpose(1, 2, 0)
    return _library(name, posteriors, seed_of(generator))


def test_every_name_is_compared() -> None:
    assert {*SINGLE, *DRAWN, "random", "batchbald", "epig"} == set(NAMES)


def _strategy(name: str) -> Strategy:
    return albench.strategy(f"baal-{name}" if name != "epig" else f"baal-epig[targets={TARGETS_OF_EPIG}]")


@pytest.mark.parametrize(("name", "order"), PAIRS)
def test_a_heuristic_selects_what_the_library_ranks_first(name: str, order: str) -> None:
    picks, _ = _expected(name, order)
    query = make_arrays().permuted(ORDERS[order]).query()
    assert _strategy(name).select(query, ASKED).tolist() == picks.tolist()


@pytest.mark.parametrize(("name", "order"), PAIRS)
def test_an_example_is_worth_what_the_library_values_it(name: str, order: str) -> None:
    _, values = _expected(name, order)
    query = make_arrays().permuted(ORDERS[order]).query()
    found = _strategy(name).score(query).numpy()
    np.testing.assert_allclose(found, values, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", SINGLE)
def test_a_heuristic_that_draws_nothing_picks_the_same_examples_in_any_order_of_the_pool(name: str) -> None:
    strategy = _strategy(name)
    picked = [
        set(order[strategy.select(make_arrays().permuted(order).query(), ASKED).numpy()].tolist())
        for order in ORDERS.values()
    ]
    assert picked[0] == picked[1]
