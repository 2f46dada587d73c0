"""Covering strategies compute few gains again for each pick, and pick what a plain loop over all would."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import albench
from albench_strategies import covering
from albench_strategies.covering import best_of_bounded
from tests.strategies.rounds import round64


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.data())
def test_the_first_of_the_largest_gains_is_found_from_upper_bounds(gains: list[int], data: st.DataObject) -> None:
    above = data.draw(st.lists(st.integers(0, 3), min_size=len(gains), max_size=len(gains)))
    now = torch.tensor(gains, dtype=torch.float64)
    bounds = now + torch.tensor(above)
    found = best_of_bounded(bounds, lambda examples: now[examples], fresh=False)
    assert found == gains.index(max(gains))
    assert bool((bounds >= now).all())


@pytest.mark.parametrize("radius", [0.3, 0.6, 0.9])
def test_probcover_picks_whose_ball_holds_most_of_what_no_ball_holds_yet(radius: float) -> None:
    query = round64(n_pool=90)
    pool, labeled = (x / x.norm(dim=1, keepdim=True) for x in (query.features, query.labeled_features))
    within = [[float((x - y).norm()) < radius for y in pool] for x in pool]
    left = {i for i, x in enumerate(pool) if all(float((x - y).norm()) >= radius for y in labeled)}
    off_centre = [float((x - pool.mean(dim=0)).norm()) for x in pool]
    chosen: list[int] = []
    while len(chosen) < 30:
        others = [i for i in range(90) if i not in chosen]
        chosen.append(max(others, key=lambda i: (sum(within[i][j] for j in left), -off_centre[i])))
        left -= {j for j in left if within[chosen[-1]][j]}
    assert len(left) < 90
    assert albench.strategy(f"probcover[radius={radius}]").select(query, 30).tolist() == chosen


@pytest.mark.parametrize("name", ["max-herding", "uherding"])
def test_covering_strategies_pick_what_a_loop_over_all_gains_picks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covering, "LOOKED_AT", 2)
    query = round64(n_pool=70)
    picked = albench.strategy(name).select(query, 25).tolist()
    every = torch.arange(70)

    def by_all(bounds: Tensor, gains: Callable[[Tensor], Tensor], fresh: bool) -> int:
        del fresh
        taken = bounds.isneginf()
        return int(gains(every).masked_fill(taken, -torch.inf).argmax())

    monkeypatch.setattr(covering, "best_of_bounded", by_all)
    assert albench.strategy(name).select(round64(n_pool=70), 25).tolist() == picked


def test_covering_strategies_compute_few_gains_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    plain = covering.MaxHerding._gains

    def counted(self: covering.MaxHerding, *given: object) -> Tensor:
        asked.append(len(given[-1]))  # type: ignore[arg-type]
        return plain(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(covering.MaxHerding, "_gains", counted)
    query = albench.testing.make_query(n_pool=600, n_labeled=20, n_classes=4, n_sets=None, image_shape=(3, 8, 8))
    albench.strategy("max-herding").select(query, 30)
    assert sum(asked) < 600 * 6, "a loop over all would ask for 600 x 30"


def test_typiclust_knows_typicality_within_clusters_alone() -> None:
    draws = torch.Generator().manual_seed(0)
    points = torch.randn(90, 5, generator=draws, dtype=torch.float64)
    place = torch.cat([torch.randint(3, (89,), generator=draws), torch.tensor([3])])
    found = albench.strategy("typiclust[neighbours=7]")._typicality(points, place)  # type: ignore[attr-defined]
    for index in range(90):
        others = [other for other in range(90) if other != index and place[other] == place[index]]
        near = sorted(float((points[index] - points[other]).norm()) for other in others)[:7]
        assert float(found[index]) == pytest.approx(1 / (1 + sum(near) / max(1, len(near))), rel=1e-9)
