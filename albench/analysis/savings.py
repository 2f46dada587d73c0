"""Labels that a strategy needs to reach an accuracy, and what it saves against a reference."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from albench.analysis.intervals import MeanInterval
from albench.analysis.pairs import CELL, groups

STEPS = (0.05, 0.02, 0.01, 0.005)
MOST = 12


def targets(rounds: pd.DataFrame) -> list[float]:
    """Return round accuracies worth asking for: above where strategies start, up to the best that they reach."""
    if rounds.empty:
        return []
    spans = []
    for _, own in rounds.groupby("scenario", sort=False):
        mean = own.groupby(["strategy", "round"])["accuracy"].mean()
        spans.append((mean[mean.index.get_level_values("round") == 0].max(), mean.max()))
    low, high = min(start for start, _ in spans), max(end for _, end in spans)
    for step in STEPS:
        found = [round(step * place, 4) for place in range(math.floor(low / step) + 1, math.floor(high / step) + 1)]
        if len(found) >= 3:
            break
    return found[-MOST:]


def labels_to_target(rounds: pd.DataFrame, target: float) -> pd.DataFrame:
    """Return the queried labels after which each cell first reached the target; the initial set does not count.

    One row a cell: scenario, strategy, seed, n_queried (NaN where it was not reached), n_budget (all that were
    queried).
    """
    start = rounds.groupby(CELL, sort=False)["n_labeled"].transform("min")
    queried = rounds.assign(n_queried=rounds["n_labeled"] - start)
    frame = queried.groupby(CELL, sort=False)["n_queried"].max().rename("n_budget").to_frame()
    reached = queried[queried["accuracy"] >= target].groupby(CELL, sort=False)["n_queried"].min()
    return frame.assign(n_queried=reached.astype(float)).reset_index()[[*CELL, "n_queried", "n_budget"]]


def default_target(rounds: pd.DataFrame, reference: str) -> float | None:
    """Return the highest target that at least half of the reference's seeds reach, None when there is none."""
    for target in reversed(targets(rounds)):
        labels = labels_to_target(rounds, target)
        own = labels[labels["strategy"] == reference]
        if len(own) and own["n_queried"].notna().mean() >= 0.5:
            return target
    return None


def median_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Return scenario, strategy, n_seeds, n_reached, median_labels: NaN where half of the seeds did not reach it.

    A seed that did not is censored: it counts as more labels than any other.
    """
    rows = []
    for (scenario, strategy), own in groups(labels):
        median = float(np.median(own["n_queried"].fillna(math.inf)))
        reached = int(own["n_queried"].notna().sum())
        row = {"scenario": scenario, "strategy": strategy, "n_seeds": len(own), "n_reached": reached}
        rows.append({**row, "median_labels": median if math.isfinite(median) else math.nan})
    return pd.DataFrame(rows, columns=["scenario", "strategy", "n_seeds", "n_reached", "median_labels"])


def savings(labels: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return the label savings 1 - n / n_reference, paired by seed, of each (scenario, strategy).

    Columns: n_pairs, n_censored (pairs in which one of the two did not reach the target), saving with saving_low and
    saving_high (mean and 95 % t interval, only where no pair is censored), median_low and median_high (bounds of the
    median; equal where censoring does not touch it). Pairs that start at the target say nothing and are left out.
    """
    base = labels[labels["strategy"] == reference].drop(columns="strategy")
    rows = []
    for (scenario, strategy), own in groups(labels):
        if strategy == reference:
            continue
        pairs = own.merge(base, on=["scenario", "seed"], suffixes=("", "_reference"), validate="one_to_one")
        pairs = pairs[(pairs["n_queried"] != 0) & (pairs["n_queried_reference"] != 0)]
        rows.append({"scenario": scenario, "strategy": strategy, **_saved(pairs)})
    columns = ["n_pairs", "n_censored", "saving", "saving_low", "saving_high", "median_low", "median_high"]
    return pd.DataFrame(rows, columns=["scenario", "strategy", *columns])


def _saved(pairs: pd.DataFrame) -> dict[str, float]:
    own, other = pairs["n_queried"], pairs["n_queried_reference"]
    censored = own.isna() | other.isna()
    # what a censored count must exceed bounds the saving on one side; where both are censored nothing is known
    low = 1 - own.fillna(math.inf) / other.fillna(pairs["n_budget_reference"])
    high = (1 - own.fillna(pairs["n_budget"]) / other.fillna(math.inf)).where(~(own.isna() & other.isna()), 1.0)
    one = MeanInterval.of(1 - own / other) if not censored.any() else MeanInterval.of([])
    return {
        "n_pairs": len(pairs),
        "n_censored": int(censored.sum()),
        "saving": one.mean,
        "saving_low": one.low,
        "saving_high": one.high,
        "median_low": float(low.median()) if len(pairs) else math.nan,
        "median_high": float(high.median()) if len(pairs) else math.nan,
    }
