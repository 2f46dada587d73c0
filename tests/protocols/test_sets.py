from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from albench.errors import RequestError
from albench.protocols.discovery import Discovery
from albench.protocols.sets import draw_sets
from albench.protocols.topk import TopK
from albench.rng import stream


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=80),
    st.integers(1, 20),
    st.integers(1, 10),
    st.integers(0, 1000),
)
def test_every_candidate_set_has_one_class_and_no_example_twice(
    labels: list[int], n_sets: int, set_size: int, seed: int
) -> None:
    pool = np.asarray(labels, dtype=np.int64)
    sets = draw_sets(pool, n_sets, set_size, stream(seed, "test"))
    largest = np.unique(pool, return_counts=True)[1].max()
    if largest < set_size:
        assert sets is None
        return
    assert sets is not None
    assert sets.shape == (n_sets, set_size)
    for members in sets:
        assert len(set(members.tolist())) == set_size
        assert len(set(pool[members].tolist())) == 1


def test_classes_are_drawn_uniformly_whatever_is_left_of_them() -> None:
    pool = np.repeat([0, 1, 2, 3], [500, 50, 10, 9])
    sets = draw_sets(pool, 6000, 10, stream(0, "test"))
    assert sets is not None
    counts = np.bincount(pool[sets[:, 0]], minlength=4)
    assert counts[3] == 0, "a class with fewer than set_size examples left is not drawn"
    assert np.all(np.abs(counts[:3] - 2000) < 5 * np.sqrt(6000 * 2 / 9)), "within five standard deviations"


def test_examples_of_a_class_are_drawn_uniformly() -> None:
    sets = draw_sets(np.zeros(8, dtype=np.int64), 4000, 4, stream(1, "test"))
    assert sets is not None
    counts = np.bincount(sets.ravel(), minlength=8)
    assert np.all(np.abs(counts - 2000) < 5 * np.sqrt(1000))


POOL = np.repeat([3, 5, 8], [7, 4, 2])  # of three classes, 7, 4 and 2 examples


@pytest.mark.parametrize(("set_size", "rounds"), [(1, 13), (2, 6), (3, 3), (4, 2), (7, 1)])
def test_a_pool_lasts_as_many_rounds_as_its_classes_hold_sets(set_size: int, rounds: int) -> None:
    protocol = Discovery(set_size=set_size)
    protocol.check_pool(POOL)
    assert protocol.rounds(POOL) == rounds


def test_sets_that_no_class_fills_are_refused_with_the_most_that_one_has() -> None:
    with pytest.raises(
        RequestError, match="set_size=8, and no class has more than 7 images in the pool; ask for --set set_size=7"
    ):
        Discovery(set_size=8).check_pool(POOL)


def test_the_defaults_of_the_protocols_are_the_documented_ones() -> None:
    assert Discovery() == Discovery(n_sets=1000, set_size=25)
    assert TopK() == TopK(query_size=100)
