"""The stored choice between kernel and library: complete, obeyed, and projected where nothing was measured."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from albench_strategies.emoc import cuda, kernel
from albench_strategies.emoc.choice import Choice, Tiles, choice, choices, parsed
from tests.emoc.interpreted import problem


def test_emoc_choice_is_stored_for_every_precision_of_each_architecture() -> None:
    architectures = {capability for capability, _ in choices()}
    assert architectures >= {(8, 0), (9, 0), (10, 0)}
    assert all(choice(one, precision) for one in architectures for precision in kernel.TILES)
    assert choice((7, 5), "fp32") is None


def test_emoc_choice_is_read_by_compute_capability_and_precision() -> None:
    stored = {"12.1": {"precisions": {"tf32": {"fused_up_to_k": 64, "tiles": [16, 32, 64, 4, 2]}}}}
    assert parsed(stored) == {((12, 1), "tf32"): Choice(64, Tiles(16, 32, 64, 4, 2))}


@pytest.mark.parametrize(
    ("limit", "k", "wanted"), [(64, 64, True), (64, 65, False), (0, 0, True), (-1, 0, False), (None, 0, False)]
)
def test_emoc_kernel_is_preferred_up_to_the_stored_k(
    limit: int | None, k: int, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = None if limit is None else Choice(limit, kernel.SMALL)
    monkeypatch.setattr(cuda, "stored_choice", lambda *_: stored)
    assert cuda.prefers_kernel(torch.zeros(4, k), "tf32") is wanted
    assert not cuda.prefers_kernel(torch.zeros(4, k, dtype=torch.float64), "fp32"), "the kernel has no float64"


def test_emoc_kernel_is_launched_with_the_stored_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[Any] = []
    monkeypatch.setattr(kernel, "launch", lambda *words, **_: launched.append(words[4]))
    tiles = Tiles(16, 32, 16, 4, 1)
    for stored, wanted in ((Choice(0, tiles), tiles), (None, kernel.TILES["tf32"])):
        monkeypatch.setattr(cuda, "stored_choice", lambda *_, stored=stored: stored)
        cuda.fused(*problem(2, 3, 5, 7, 1), "tf32")
        assert launched[-1] == wanted


def test_emoc_choice_of_numbers_on_the_processor_is_none() -> None:
    assert cuda.stored_choice(torch.zeros(2, 2), "tf32") is None
