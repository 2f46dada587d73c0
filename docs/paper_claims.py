"""What the paper says of its figure, each sentence as differences that paired seeds can contradict.

The paper: Kaeding, Rodner, Freytag, Denzler 2016, section 4, "Results".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from albench.analysis import areas, comparable, compare

STRATEGIES = ("emoc", "min", "1vs2", "max", "random")
BETTER = ("emoc", "1vs2", "min")  # than random, says the paper
CONTROL = "random[stream=1]"
N_CLASSES = 20  # 10 known ones, and 10 to be discovered
EQUAL = 0.01  # of accuracy: within a point two strategies are "almost equal"
ALMOST_ALL = 0.9  # of the updates
HOLDS, FAILS, OPEN = "holds", "fails", "cannot tell"


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper in our words, what was found, and whether it holds."""

    says: str
    found: str
    verdict: str


@dataclass(frozen=True)
class Difference:
    """A mean paired difference, one strategy minus another, with its 95 % interval; NaN bounds from one seed."""

    mean: float
    low: float
    high: float

    def reversed(self) -> Difference:
        """Return the other minus the one."""
        return Difference(-self.mean, -self.high, -self.low)

    def verdict(self, sign: int = 1) -> str:
        """Say whether it is on the side of 0 that `sign` says."""
        low, high = sorted((sign * self.low, sign * self.high))
        return HOLDS if low > 0 else FAILS if high < 0 else OPEN

    def within(self, limit: float) -> str:
        """Say whether it is smaller than a limit."""
        if -limit < self.low and self.high < limit:
            return HOLDS
        return FAILS if self.low > limit or self.high < -limit else OPEN

    def shown(self, scale: float, digits: int) -> str:
        """Return it in words, times `scale`."""
        text = f"{scale * self.mean:+.{digits}f}"
        if math.isnan(self.low):
            return text
        return f"{text} ({scale * self.low:+.{digits}f} to {scale * self.high:+.{digits}f})"


def common_seeds(rounds: pd.DataFrame) -> list[int]:
    """Return the seeds at which every strategy is finished."""
    found = [set(own["seed"]) for _, own in rounds.groupby("strategy")]
    return sorted(set.intersection(*found)) if len(found) == len({*STRATEGIES, CONTROL}) else []


def joint(verdicts: Sequence[str]) -> str:
    """Return the verdict of a sentence that says several things at once."""
    return FAILS if FAILS in verdicts else OPEN if OPEN in verdicts else HOLDS


def claims(rounds: pd.DataFrame) -> list[Claim]:
    """Return the paper's sentences with what the rounds of finished cells say of them."""
    of_cells = areas(rounds).assign(classes_share=lambda cells: cells["classes_area"] / N_CLASSES)
    five = of_cells[of_cells["strategy"].isin(STRATEGIES)]
    accuracy, classes = (differences(five, column, "random") for column in ("accuracy_area", "classes_share"))
    ahead = {name: one.reversed() for name, one in differences(five, "accuracy_area", "emoc").items()}
    close, control = alone(of_cells, "min", "1vs2"), alone(of_cells, CONTROL, "random")
    leads, updates = rounds_led(rounds)
    share = OPEN if of_cells["seed"].nunique() == 1 else HOLDS if leads >= ALMOST_ALL * updates else FAILS
    return [
        Claim(
            "Every strategy but `max` gains more accuracy than `random`",
            listed(accuracy, BETTER, points),
            joint([accuracy[name].verdict() for name in BETTER]),
        ),
        Claim(
            "They discover unseen classes faster than `random`",
            listed(classes, BETTER, in_classes),
            joint([classes[name].verdict() for name in BETTER]),
        ),
        Claim("`max` gains less than `random`", listed(accuracy, ["max"], points), accuracy["max"].verdict(-1)),
        Claim(
            "because it keeps to classes that are known already",
            listed(classes, ["max"], in_classes),
            classes["max"].verdict(-1),
        ),
        Claim("`min` and `1vs2` are almost equal", f"`min` - `1vs2`: {points(close)}", close.within(EQUAL)),
        Claim(
            "`emoc` gains more accuracy than every baseline",
            "; ".join(f"to `{name}` {points(ahead[name])}" for name in ("min", "1vs2", "max", "random")),
            joint([one.verdict() for one in ahead.values()]),
        ),
        Claim("`emoc` leads after almost all updates", f"its mean is the highest in {leads} of {updates}", share),
        Claim(
            "(Control, not in the paper: two random draws differ)",
            f"`{CONTROL}` - `random`: {points(control)}",
            control.verdict() if control.mean > 0 else control.verdict(-1),
        ),
    ]


def differences(of_cells: pd.DataFrame, column: str, reference: str) -> dict[str, Difference]:
    """Return each strategy's difference to the reference in a column of shares, by name."""
    found = compare(of_cells, column, reference)
    return {
        row.strategy: Difference(row.difference, row.difference_low, row.difference_high) for row in found.itertuples()
    }


def alone(of_cells: pd.DataFrame, one: str, other: str) -> Difference:
    """Return the difference in accuracy of two strategies, with the interval of this comparison by itself."""
    return differences(of_cells[of_cells["strategy"].isin([one, other])], "accuracy_area", other)[one]


def rounds_led(rounds: pd.DataFrame) -> tuple[int, int]:
    """Return after how many updates EMOC's mean accuracy over seeds is the highest of the five, and of how many."""
    five = comparable(rounds[rounds["strategy"].isin(STRATEGIES) & (rounds["round"] > 0)])
    means = five.pivot_table(index="round", columns="strategy", values="accuracy")
    others = means.drop(columns="emoc").max(axis=1)
    return int((means["emoc"] > others).sum()), len(means)


def points(one: Difference) -> str:
    """Return a difference of accuracies, in points."""
    return one.shown(100, 2) + " points"


def in_classes(one: Difference) -> str:
    """Return a difference of shares of the classes that are known, in classes."""
    return one.shown(N_CLASSES, 1) + " classes"


def listed(found: dict[str, Difference], names: Sequence[str], shown: Callable[[Difference], str]) -> str:
    """Return the differences of some strategies to random, in words."""
    return "; ".join(f"`{name}` {shown(found[name])}" for name in names)
