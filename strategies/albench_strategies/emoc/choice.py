"""Which GPUs use the fused kernel up to which K, and with which tiles: read from `choice.json`, never from a stopwatch.

`python docs/generate_gpu.py` writes that file from measurements under `benchmarks/results`. What stands there for an
architecture that nobody has measured is projected, and says so. Another choice moves the last bits of scores on a GPU.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

Capability = tuple[int, int]


@dataclass(frozen=True)
class Tiles:
    """Sizes of a program's tile, and how many warps and pipeline stages work on it."""

    block_m: int
    block_n: int
    block_k: int
    num_warps: int
    num_stages: int


@dataclass(frozen=True)
class Choice:
    """The largest K at which the fused kernel is used (below 0: at none), and its tiles."""

    fused_up_to_k: int
    tiles: Tiles


@cache
def choices() -> Mapping[tuple[Capability, str], Choice]:
    """Return what is stored, by compute capability and precision."""
    text = (files("albench_strategies.emoc") / "choice.json").read_text(encoding="utf-8")
    return parsed(json.loads(text))


def parsed(stored: Mapping[str, Any]) -> dict[tuple[Capability, str], Choice]:
    """Return the content of `choice.json` by compute capability and precision."""
    found = {}
    for name, entry in stored.items():
        major, minor = name.split(".")
        for precision, chosen in entry["precisions"].items():
            found[(int(major), int(minor)), precision] = Choice(chosen["fused_up_to_k"], Tiles(*chosen["tiles"]))
    return found


def choice(capability: Capability, precision: str) -> Choice | None:
    """Return what is stored for an architecture and a precision; None for an architecture that is not known."""
    return choices().get((capability, precision))
