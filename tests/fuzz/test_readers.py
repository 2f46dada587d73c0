"""Whatever bytes a reader is given, it returns or says what is wrong in one sentence, soon and in little memory."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.judging import fault_of
from tests.fuzz.targets import TARGETS

EXAMPLES = 60  # of each target; `make fuzz` goes on


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_takes_valid_and_nasty_inputs_or_says_what_is_wrong(name: str) -> None:
    for data in TARGETS[name].inputs():
        assert fault_of(TARGETS[name].read, data) == ""


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_takes_any_bytes_or_says_what_is_wrong(name: str) -> None:
    target = TARGETS[name]
    inputs = list(target.inputs())

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(inputs), st.randoms(use_true_random=False))
    def takes(data: bytes, draws: Random) -> None:
        assert fault_of(target.read, target.mutate(data, draws)) == ""

    takes()
