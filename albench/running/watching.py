"""Telling how long trainings get on, and not too often."""

from __future__ import annotations

import time

from albench.training.model import Watch

SILENT_SECONDS = 10.0  # of a training, after which its progress is told, again and again


def seldom(tell: Watch) -> Watch:
    """Return what tells of trainings that take long, at most once in SILENT_SECONDS."""
    told = time.monotonic()

    def watch(what: str, done: int, total: int) -> None:
        nonlocal told
        if done == 1:
            told = time.monotonic()
        elif done < total and time.monotonic() - told > SILENT_SECONDS:
            told = time.monotonic()
            tell(what, done, total)

    return watch
