"""Named random streams: every draw of a study comes from one of these.

A stream is keyed by (seed, purpose, further keys) through SHA-256, so that streams are independent, that
adding a draw for one purpose moves no other, and that nothing depends on the order of execution. Draws are made
on the CPU whatever the device.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def _digest(seed: int, purpose: str, keys: tuple[int | str, ...]) -> bytes:
    return hashlib.sha256(json.dumps([seed, purpose, *keys]).encode()).digest()


def stream(seed: int, purpose: str, *keys: int | str) -> np.random.Generator:
    """Return the stream of a purpose, keyed further by a round, a class or a name.

    The bit generator is Philox (counter-based, 128-bit key).
    """
    key = int.from_bytes(_digest(seed, purpose, keys)[:16], "little")
    return np.random.Generator(np.random.Philox(key=key))


def torch_stream(seed: int, purpose: str, *keys: int | str) -> torch.Generator:
    """Return the same kind of stream as a torch generator on the CPU (torch keeps 32 bits of its seed)."""
    import torch

    low = int.from_bytes(_digest(seed, purpose, keys)[:8], "little") >> 1
    return torch.Generator().manual_seed(low)
