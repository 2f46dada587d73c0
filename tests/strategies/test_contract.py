"""Every first-party strategy keeps the contract, and no two rank alike."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch

import albench
from albench.contracts.strategy import Strategy
from albench.testing import Probe, StrategyContract, make_probe
from albench_strategies import OWN

NAMES = sorted(OWN)
VARIANTS = ["min[score=minimum]", "egl[layers=last]", "probcover[radius=0.5]", "batchbald[configurations=10]"]
VARIANTS += ["bait[fisher=binary]"]


class TestFirstParty(StrategyContract):
    @pytest.fixture(params=[*NAMES, *VARIANTS])
    def strategy(self, request: pytest.FixtureRequest) -> Strategy:
        return albench.strategy(request.param)


def _probe() -> Probe:
    probe = make_probe(n_pool=120, n_sets=60, set_size=4, n_classes=5, n_labeled=20)
    return replace(probe, permitted=True)


def test_at_least_thirty_strategies_rank_differently() -> None:
    rankings = {}
    for name in NAMES:
        if name == "prediction-flips":
            continue  # in the first round nothing has flipped, and it asks as `min` does
        scores = albench.strategy(name).score_sets(_probe().query())
        rankings[name] = torch.argsort(scores.double(), stable=True).numpy()
    alike = [pair for pair in combinations(rankings, 2) if np.array_equal(rankings[pair[0]], rankings[pair[1]])]
    assert alike == []
    assert len(NAMES) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_selects_without_candidate_sets(name: str) -> None:
    query = replace(_probe(), sets=None).query()
    chosen = albench.strategy(name).select(query, 7)
    assert len(set(chosen.tolist())) == 7


@pytest.mark.parametrize("name", NAMES)
def test_one_set_of_one_example_is_scored_as_that_example_is(name: str) -> None:
    """The rule of docs/strategies: an example is worth what the set that holds it alone is worth."""
    if name in {"random", "oracle-novel", "typiclust"}:
        pytest.skip("it draws a number for each set, or for each example; TypiClust clusters by the size of the set")
    probe = _probe()
    alone = replace(probe, sets=torch.arange(len(probe.pool))[:, None])
    sets = albench.strategy(name).score_sets(alone.query()).double()
    single = albench.strategy(name).score(probe.query()).double()
    torch.testing.assert_close(sets, single, rtol=1e-4, atol=1e-4 * float(single.abs().max()))
