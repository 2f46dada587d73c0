from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from albench.protocols.sets import draw_sets
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
