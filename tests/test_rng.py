from __future__ import annotations

import random

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from albench.rng import stream, torch_stream


@given(st.integers(0, 10**6), st.text(max_size=8), st.integers(0, 100))
def test_a_stream_is_the_same_for_the_same_key_and_another_for_any_other(seed: int, purpose: str, key: int) -> None:
    draws = stream(seed, purpose, key).random(4)
    assert np.array_equal(draws, stream(seed, purpose, key).random(4))
    for other in (
        stream(seed + 1, purpose, key),
        stream(seed, purpose + "x", key),
        stream(seed, purpose, key + 1),
        stream(seed, purpose),
    ):
        assert not np.array_equal(draws, other.random(4))


def test_streams_touch_no_global_generator() -> None:
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # type: ignore[union-attr,index]
    stream(0, "a").normal(size=10)
    torch.rand(3, generator=torch_stream(0, "a"))
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])  # type: ignore[index]
    assert states[2] == random.getstate()


FIRST_PERMUTATION = [1, 0, 6, 9, 4, 5, 8, 3, 2, 7]
FIRST_INTEGERS = [312, 392, 602, 682]


def test_the_first_numbers_of_a_stream_are_what_they_were() -> None:
    """A change here changes every result: raise HARNESS_RESULTS_VERSION."""
    assert stream(0, "classes").permutation(10).tolist() == FIRST_PERMUTATION
    assert torch.randint(1000, (4,), generator=torch_stream(0, "strategy", "random", 0, 1)).tolist() == FIRST_INTEGERS
