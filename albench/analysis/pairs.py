"""Differences between strategies, joined on the seed: never on row order.

Here is what "leads" means, for headline, tables and figures alike: see `compare`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from albench.analysis.intervals import (
    SHARES_APART,
    MeanInterval,
    paired_t_p,
    power_of_detectable,
    smallest_detectable,
    words,
)

CELL = ["setting", "strategy", "seed"]


def groups(frame: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """Yield ((setting, strategy), rows) in the order of their first appearance."""
    for key, own in frame.groupby(["setting", "strategy"], sort=False):
        yield (str(key[0]), str(key[1])), own


def differences(values: pd.DataFrame, column: str, reference: str) -> pd.DataFrame:
    """Return `column` minus the reference's value at the same setting and seed.

    `values` has one row a cell: setting, strategy, seed, `column`. The result has one row for each seed that a
    strategy or the reference has: setting, strategy, seed, difference; NaN where either is missing; and `scale`, the
    size of the larger of the two.
    """
    pieces = []
    for setting, own in values.groupby("setting", sort=False):
        table = own.pivot(index="seed", columns="strategy", values=column)
        has = own.assign(has=True).pivot(index="seed", columns="strategy", values="has").eq(True)
        missing = pd.Series(np.nan, index=table.index)
        base = table.get(reference, missing)
        has_base = has[reference] if reference in table else missing.notna()
        for strategy in dict.fromkeys(own["strategy"]):
            if strategy == reference:
                continue
            either = (has[strategy] | has_base).to_numpy()
            two = table[strategy].to_numpy()[either], base.to_numpy()[either]
            piece = {"setting": setting, "strategy": strategy, "seed": table.index[either]}
            sizes = {"difference": two[0] - two[1], "scale": np.fmax(*np.abs(two))}
            pieces.append(pd.DataFrame({**piece, **sizes}))
    if not pieces:
        empty = {"setting": "str", "strategy": "str", "seed": "int64", "difference": "float64", "scale": "float64"}
        return pd.DataFrame(columns=list(empty)).astype(empty)
    return pd.concat(pieces, ignore_index=True)


def round_differences(rounds: pd.DataFrame, reference: str, metric: str = "accuracy") -> pd.DataFrame:
    """Return `metric` minus the reference's value of the same setting, seed and round, where both have that round.

    One row a round of a cell but the reference's: setting, strategy, seed, round, n_labeled, difference.
    """
    keys = ["setting", "seed", "round"]
    base = rounds.loc[rounds["strategy"] == reference, [*keys, metric]].rename(columns={metric: "base"})
    others = rounds.loc[rounds["strategy"] != reference, [*keys, "strategy", "n_labeled", metric]]
    paired = others.merge(base, on=keys)
    paired["difference"] = paired[metric] - paired["base"]
    return paired[[*CELL, "round", "n_labeled", "difference"]]


def compare(values: pd.DataFrame, column: str, reference: str) -> pd.DataFrame:
    """Return each strategy's paired comparison with the reference. `column` is a share, or an area of shares.

    One row a (setting, strategy): n_pairs, missing_pairs, missing_seeds (in words), difference (mean),
    difference_sd, difference_low and difference_high, p_t, p_simultaneous, verdict, wins, ties, losses, detectable,
    detectable_power, claimable. What cannot be had from the pairs is NaN; the reference has no row.

    The 95 % intervals and `p_simultaneous` hold for all comparisons of a setting together (Bonferroni, over the k - 1
    others), each with the variance of its own paired differences. `verdict` is "leads" where the interval lies above 0,
    "trails" where it lies below, and "" where these seeds cannot tell, or differ by the same amount in every pair: a
    t test needs some variance. `p_t` and `detectable`, the smallest detectable difference, are of one comparison by
    itself; `claimable` is the true difference that is called a lead, or a trail, with a power of about .8.
    """
    per_seed = differences(values, column, reference)
    others = per_seed.groupby("setting")["strategy"].nunique()
    rows = [
        {"setting": setting, "strategy": strategy, **_comparison(own, int(others[setting]))}
        for (setting, strategy), own in groups(per_seed)
    ]
    return pd.DataFrame(rows, columns=["setting", "strategy", *_COLUMNS])


_COLUMNS = (
    "n_pairs",
    "missing_pairs",
    "missing_seeds",
    "difference",
    "difference_sd",
    "difference_low",
    "difference_high",
    "p_t",
    "p_simultaneous",
    "verdict",
    "wins",
    "ties",
    "losses",
    "detectable",
    "detectable_power",
    "claimable",
)


def _comparison(per_seed: pd.DataFrame, comparisons: int) -> dict[str, object]:
    found = per_seed.dropna(subset="difference")
    missing = sorted(set(per_seed["seed"]) - set(found["seed"]))
    scale = float(found["scale"].max())
    one = MeanInterval.of(found["difference"], SHARES_APART, comparisons, scale)
    signs = np.sign(found["difference"].to_numpy())
    p = paired_t_p(found["difference"], scale)
    return {
        "n_pairs": one.count,
        "missing_pairs": len(missing),
        "missing_seeds": words(missing),
        "difference": one.mean,
        "difference_sd": one.deviation,
        "difference_low": one.low,
        "difference_high": one.high,
        "p_t": p,
        "p_simultaneous": min(1.0, comparisons * p) if one.deviation > 0 else np.nan,
        "verdict": _verdict(one),
        "wins": int((signs > 0).sum()),
        "ties": int((signs == 0).sum()),
        "losses": int((signs < 0).sum()),
        "detectable": smallest_detectable(one.deviation, one.count),
        "detectable_power": power_of_detectable(one.count),
        "claimable": smallest_detectable(one.deviation, one.count, comparisons),
    }


def _verdict(one: MeanInterval) -> str:
    if not one.deviation > 0:
        return ""
    return "leads" if one.low > 0 else "trails" if one.high < 0 else ""
