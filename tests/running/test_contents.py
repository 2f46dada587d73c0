"""A change of what a tensor holds is noticed, whatever it is and however it was made."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from albench.running import contents
from albench.running.contents import WIDTH, digest

SHAPES = [(), (0, 3), (7,), (3, 5), (WIDTH * 2,), (9, 3, 32, 32), (WIDTH + 1, 5)]
KINDS = [torch.float32, torch.float64, torch.int64, torch.bool, torch.uint8, torch.bfloat16]


def filled(shape: tuple[int, ...], kind: torch.dtype) -> torch.Tensor:
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return (numbers * 100).to(kind)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_copy_has_the_digest_of_its_original_and_reading_changes_nothing(
    shape: tuple[int, ...], kind: torch.dtype
) -> None:
    tensor = filled(shape, kind)
    before = tensor.clone()
    assert digest(tensor) == digest(before)
    assert torch.equal(tensor, before)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SHAPES[2:]), st.sampled_from(KINDS), st.integers(0), st.integers(0, 7))
def test_one_bit_that_is_flipped_is_noticed(shape: tuple[int, ...], kind: torch.dtype, place: int, bit: int) -> None:
    tensor = filled(shape, kind)
    before = digest(tensor)
    held = (
        tensor.view(torch.uint8).reshape(-1).numpy()
        if kind is not torch.bool
        else tensor.reshape(-1).view(torch.uint8).numpy()
    )
    held[place % len(held)] ^= np.uint8(1 << bit)
    assert digest(tensor) != before


def test_the_same_numbers_in_another_order_are_noticed() -> None:
    tensor = filled((50, 3, 32, 32), torch.float32)
    others = [
        tensor.flip(0),
        tensor.flip(3),
        tensor.transpose(2, 3).contiguous(),
        tensor[torch.randperm(50)],
        tensor[:, [2, 1, 0]],
    ]
    others.append(tensor.view(50, 3, 32, 16, 2).flip(3))  # numbers change places by twos, which are the words of a sum
    assert len({digest(one) for one in [tensor, *others]}) == 1 + len(others)


def test_what_is_elsewhere_has_the_sums_that_it_has_here(monkeypatch: pytest.MonkeyPatch) -> None:
    tensor = filled((90, 3, 32, 32), torch.float32)
    here = digest(tensor)
    monkeypatch.setattr(contents, "_sums", contents._sums_elsewhere)
    monkeypatch.setattr(contents, "_GPU_ROWS", 7)
    assert digest(tensor) == here
