"""When more labels stop paying: predictions that have stabilised (Bloodgood and Vijay-Shanker 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

STABLE = 0.99  # Cohen's kappa between successive models; the paper's default, as WINDOW
WINDOW = 3  # agreements in a row, over which kappa is averaged
STOP_SET = 2000  # examples without labels that models are compared on


@dataclass(frozen=True)
class Stability:
    """How far the predictions of successive models agree, and whether that says to stop."""

    agreements: tuple[float, ...]  # Cohen's kappa of each two successive models, in their order
    threshold: float = STABLE
    window: int = WINDOW

    @property
    def mean(self) -> float:
        """The mean of the last agreements, as many as the window holds; NaN where there are fewer."""
        last = self.agreements[-self.window :]
        return float(np.mean(last)) if len(last) == self.window else float("nan")

    @property
    def says_stop(self) -> bool:
        """Whether predictions have stabilised: never before the window is full."""
        return self.mean >= self.threshold


def stability(predictions: Sequence[NDArray[np.int64]], threshold: float = STABLE, window: int = WINDOW) -> Stability:
    """Return how far successive models agree on a fixed set of examples that need no labels.

    `predictions` holds each model's classes of the same examples, (n,), one model after each answer, in the order of
    the answers. After Bloodgood and Vijay-Shanker 2009, A method for stopping active learning based on stabilizing
    predictions and the need for user-adjustable stopping, CoNLL: stop when Cohen's kappa, averaged over the last three
    pairs, reaches .99. Where kappa is T, the F measures of two models differ by at most 4 (1 - T) / T (Bloodgood and
    Grothendieck 2013, Analysis of stopping active learning based on stabilizing predictions, CoNLL).
    """
    return Stability(tuple(kappa(one, next_) for one, next_ in pairwise(predictions)), threshold, window)


def kappa(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Return Cohen's kappa of two classifications, at most 1; 0 where both see one class everywhere.

    That case is 0/0. Two networks that have learnt nothing agree in it, which is no reason to stop.
    """
    classes, numbers = np.unique(np.concatenate([first, second]), return_inverse=True)
    if len(classes) < 2:
        return 0.0
    n = len(first)
    shares = [np.bincount(part, minlength=len(classes)) / n for part in (numbers[:n], numbers[n:])]
    by_chance = float(shares[0] @ shares[1])
    return (float(np.mean(first == second)) - by_chance) / (1 - by_chance)
