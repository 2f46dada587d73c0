"""Strategies of scikit-activeml pick what the library picks when it is called on plain arrays."""

from __future__ import annotations

import numpy as np
import pytest

import albench
from albench.contracts.strategy import has_score
from albench_strategies.adapters import TARGETS
from tests.strategies.adapters.arrays import N_POOL, dropped, make_arrays, seed_of, stream

pytest.importorskip("skactiveml", reason="scikit-activeml is not installed: pip install 'albench[skactiveml]'")

from tests.strategies.adapters.skactiveml_calls import CALLS

NAMES = [name.removeprefix("skal-") for name in TARGETS if name.startswith("skal-")]
ORDERS = {"in order": np.arange(N_POOL), "permuted": np.random.default_rng(3).permutation(N_POOL)}
ON_NETWORKS = {"bald", "batchbald"}
ASKED = 6
DRAWS = {"random", "typiclust", "badge", "falcun", "clue", "dropquery", "four-ds", "batchbald"}  # among pool examples
TIES = {"probcover", "qbc-vote-entropy", "qbc-variation-ratios"}  # few different values, and ties are drawn


def _seed(query: str) -> int:
    generator = stream()
    if query in ON_NETWORKS:
        dropped(make_arrays(), generator)
    return seed_of(generator)


def test_every_name_is_compared() -> None:
    assert sorted(CALLS) == sorted(NAMES)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_selects_what_the_library_selects(name: str, order: str) -> None:
    arrays = make_arrays().permuted(ORDERS[order])
    expected, _ = CALLS[name](arrays, _seed(name), ASKED)
    assert len(set(expected.tolist())) == ASKED
    assert albench.strategy(f"skal-{name}").select(arrays.query(), ASKED).tolist() == expected.tolist()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_worth_the_librarys_utility_when_one_is_asked_for(name: str, order: str) -> None:
    strategy = albench.strategy(f"skal-{name}")
    if not has_score(strategy):
        pytest.skip("the library gives no finite utility of every example")
    arrays = make_arrays().permuted(ORDERS[order])
    _, expected = CALLS[name](arrays, _seed(name), 1)
    np.testing.assert_allclose(strategy.score(arrays.query()).numpy(), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DRAWS | TIES])
def test_a_strategy_that_does_not_draw_picks_the_same_examples_in_any_order_of_the_pool(name: str) -> None:
    strategy = albench.strategy(f"skal-{name}")
    picked = [
        set(order[strategy.select(make_arrays().permuted(order).query(), ASKED).numpy()].tolist())
        for order in ORDERS.values()
    ]
    assert picked[0] == picked[1]
