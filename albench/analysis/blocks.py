"""Comparison over several settings: Friedman's test and critical differences. Blocks are settings, not seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from albench.analysis.intervals import CONFIDENCE

FEWEST = 5  # settings from which on the test and its diagram mean something


@dataclass(frozen=True)
class BlockTest:
    """Friedman's test with Iman and Davenport's correction, and Nemenyi's critical difference of mean ranks."""

    n_blocks: int
    mean_ranks: pd.Series  # by strategy, 1 is best
    chi_square: float
    p_friedman: float
    f: float
    p_iman_davenport: float
    critical_difference: float

    def groups(self) -> list[list[str]]:
        """Return the largest sets of strategies whose mean ranks are closer than the critical difference."""
        ordered = self.mean_ranks.sort_values(kind="stable")
        found: list[list[str]] = []
        for start in range(len(ordered)):
            near = ordered.iloc[start:] - ordered.iloc[start] < self.critical_difference
            names = [str(name) for name in ordered.index[start:][near.to_numpy()]]
            if len(names) > 1 and not any(set(names) <= set(other) for other in found):
                found.append(names)
        return found


def block_table(values: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the mean over seeds of `column`, settings x strategies, of the settings that every strategy has."""
    table = values.pivot_table(index="setting", columns="strategy", values=column, aggfunc="mean", sort=False)
    return table.dropna()


def block_test(table: pd.DataFrame) -> BlockTest | None:
    """Return the test of a table of settings x strategies, higher is better; None below 5 settings or 2 strategies.

    Friedman's statistic is corrected for ties. After Demsar, Statistical comparisons of classifiers over multiple data
    sets, JMLR 7 (2006).
    """
    from scipy import special
    from scipy.stats import studentized_range

    n, k = table.shape
    if n < FEWEST or k < 2:
        return None
    ranks = table.rank(axis=1, ascending=False)
    ties = sum(float((counts**3 - counts).sum()) for counts in (row.value_counts() for _, row in ranks.iterrows()))
    spread = float(((ranks.sum() - n * (k + 1) / 2) ** 2).sum())
    correction = 1 - ties / (n * k * (k * k - 1))
    chi_square = 12 * spread / (n * k * (k + 1)) / correction if correction > 0 else 0.0
    left = n * (k - 1) - chi_square
    f = (n - 1) * chi_square / left if left > 1e-9 else float("inf")
    quantile = studentized_range.ppf(CONFIDENCE, k, np.inf) / np.sqrt(2)
    return BlockTest(
        n_blocks=n,
        mean_ranks=ranks.mean(),
        chi_square=chi_square,
        p_friedman=float(special.chdtrc(k - 1, chi_square)),
        f=f,
        p_iman_davenport=float(special.fdtrc(k - 1, (k - 1) * (n - 1), f)),
        critical_difference=float(quantile * np.sqrt(k * (k + 1) / (6 * n))),
    )
