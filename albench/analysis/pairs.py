"""Differences between strategies, joined on the seed: never on row order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from albench.analysis.intervals import (
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
    strategy or the reference has: setting, strategy, seed, difference; NaN where either is missing.
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
            difference = (table[strategy] - base).to_numpy()[either]
            piece = {"setting": setting, "strategy": strategy, "seed": table.index[either], "difference": difference}
            pieces.append(pd.DataFrame(piece))
    if not pieces:
        empty = {"setting": "str", "strategy": "str", "seed": "int64", "difference": "float64"}
        return pd.DataFrame(columns=[*CELL, "difference"]).astype(empty)
    return pd.concat(pieces, ignore_index=True)


def compare(values: pd.DataFrame, column: str, reference: str) -> pd.DataFrame:
    """Return each strategy's paired comparison with the reference.

    One row a (setting, strategy): n_pairs, missing_pairs, missing_seeds (in words), difference (mean),
    difference_sd, difference_low and difference_high (95 % t interval), p_t, wins, ties, losses, detectable
    (smallest detectable difference) and detectable_power. What cannot be had from the pairs is NaN; the
    reference has no row.
    """
    per_seed = differences(values, column, reference)
    rows = [
        {"setting": setting, "strategy": strategy, **_comparison(own)} for (setting, strategy), own in groups(per_seed)
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
    "wins",
    "ties",
    "losses",
    "detectable",
    "detectable_power",
)


def _comparison(per_seed: pd.DataFrame) -> dict[str, object]:
    found = per_seed.dropna(subset="difference")
    missing = sorted(set(per_seed["seed"]) - set(found["seed"]))
    one = MeanInterval.of(found["difference"])
    signs = np.sign(found["difference"].to_numpy())
    return {
        "n_pairs": one.count,
        "missing_pairs": len(missing),
        "missing_seeds": words(missing),
        "difference": one.mean,
        "difference_sd": one.deviation,
        "difference_low": one.low,
        "difference_high": one.high,
        "p_t": paired_t_p(found["difference"]),
        "wins": int((signs > 0).sum()),
        "ties": int((signs == 0).sum()),
        "losses": int((signs < 0).sum()),
        "detectable": smallest_detectable(one.deviation, one.count),
        "detectable_power": power_of_detectable(one.count),
    }
