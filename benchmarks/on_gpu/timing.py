"""Seconds of repeated work on a device, and the memory that it needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch

LEAST, MOST, ENOUGH_SECONDS = 3, 20, 0.2


def settled(device: str) -> None:
    """Wait until the device has done everything."""
    if device == "cuda":
        torch.cuda.synchronize()


def timed(work: Callable[[], Any], device: str) -> dict[str, Any]:
    """Return the median and the least seconds of the work, synchronised, after one run that is not counted."""
    work()
    settled(device)
    each: list[float] = []
    while len(each) < LEAST or (len(each) < MOST and sum(each) < ENOUGH_SECONDS):
        start = time.perf_counter()
        work()
        settled(device)
        each.append(time.perf_counter() - start)
    return {"seconds": median(each), "least_seconds": min(each), "runs": len(each)}


def first_line(error: Exception) -> str:
    """Return what an error says, in a line."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"[:300]
