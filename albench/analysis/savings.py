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
    for _, own in rounds.groupby("setting", sort=False):
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

    One row a cell: setting, strategy, seed, n_queried (NaN where it was not reached), n_budget (all that were
    queried).
    """
    start = rounds.groupby(CELL, sort=False)["n_labeled"].transform("min")
    queried = rounds.assign(n_queried=rounds["n_labeled"] - start)
    frame = queried.groupby(CELL, sort=False)["n_queried"].max().rename("n_budget").to_frame()
    reached = queried[queried["accuracy"] >= target].groupby(CELL, sort=False)["n_queried"].min()
    return frame.assign(n_queried=reached.astype(float)).reset_index()[[*CELL, "n_queried", "n_budget"]]


def default_target(rounds: pd.DataFrame, reference: str) -> float | None:
    """Return the highest target that all of the reference's seeds reach by querying, else at least half of them.

    None when there is no such target.
    """
    reached = {}
    for target in targets(rounds):
        labels = labels_to_target(rounds, target)
        own = labels.loc[labels["strategy"] == reference, "n_queried"]
        if (own > 0).any():
            reached[target] = float(own.notna().mean())
    for share in (1.0, 0.5):
        found = [target for target, part in reached.items() if part >= share]
        if found:
            return max(found)
    return None


def median_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Return setting, strategy, n_seeds, n_reached, median_labels: NaN where half of the seeds did not reach it.

    A seed that did not is censored: it counts as more labels than any other.
    """
    rows = []
    for (setting, strategy), own in groups(labels):
        median = float(np.median(own["n_queried"].fillna(math.inf)))
        reached = int(own["n_queried"].notna().sum())
        row = {"setting": setting, "strategy": strategy, "n_seeds": len(own), "n_reached": reached}
        rows.append({**row, "median_labels": median if math.isfinite(median) else math.nan})
    return pd.DataFrame(rows, columns=["setting", "strategy", "n_seeds", "n_reached", "median_labels"])


def savings(labels: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return the label savings 1 - n / n_reference, paired by seed, of each (setting, strategy).

    Columns: n_pairs, n_censored (pairs in which one of the two did not reach the target), saving with saving_low and
    saving_high (mean and 95 % t interval, only where no pair is censored), median_low and median_high (bounds of the
    median; equal where censoring does not touch it). Pairs that start at the target say nothing and are left out.
    """
    rows = []
    for setting, here in labels.groupby("setting", sort=False):
        queried = here.pivot(index="seed", columns="strategy", values="n_queried")
        budget = here.pivot(index="seed", columns="strategy", values="n_budget")
        nothing = pd.Series(math.nan, index=queried.index)  # of a reference that did not run
        base = queried.get(reference, nothing), budget.get(reference, nothing)
        for strategy in dict.fromkeys(here["strategy"]):
            if strategy != reference:
                saved = _saved(queried[strategy], budget[strategy], *base)
                rows.append({"setting": setting, "strategy": strategy, **saved})
    columns = ["n_pairs", "n_censored", "saving", "saving_low", "saving_high", "median_low", "median_high"]
    return pd.DataFrame(rows, columns=["setting", "strategy", *columns])


def _saved(*columns: pd.Series[float]) -> dict[str, float]:
    """Return the savings from labels and budget of a strategy, then of the reference, by seed."""
    n, b, n_other, b_other = (column.to_numpy(dtype=float) for column in columns)
    pairs = ~np.isnan(b) & ~np.isnan(b_other) & (n != 0) & (n_other != 0)
    n, b, n_other, b_other = n[pairs], b[pairs], n_other[pairs], b_other[pairs]
    censored = np.isnan(n) | np.isnan(n_other)
    # what a censored count must exceed bounds the saving on one side; where both are censored nothing is known
    low = 1 - np.where(np.isnan(n), math.inf, n) / np.where(np.isnan(n_other), b_other, n_other)
    high = 1 - np.where(np.isnan(n), b, n) / np.where(np.isnan(n_other), math.inf, n_other)
    one = MeanInterval.of([] if censored.any() else 1 - n / n_other)
    return {
        "n_pairs": len(n),
        "n_censored": int(censored.sum()),
        "saving": one.mean,
        "saving_low": one.low,
        "saving_high": one.high,
        "median_low": float(np.median(low)) if len(n) else math.nan,
        "median_high": float(np.median(high)) if len(n) else math.nan,
    }
