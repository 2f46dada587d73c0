from __future__ import annotations

import pandas as pd
import pytest

from albench.analysis.cost import costs


def test_costs_are_means_of_later_rounds_and_of_cells_and_the_largest_of_each() -> None:
    columns = ["strategy", "seed", "round", "query_seconds", "train_seconds", "eval_seconds", "peak_memory_bytes"]
    rows = [
        ("emoc", 0, 0, None, 900.0, 4.0, None),  # the shared initial training
        ("emoc", 0, 1, 6.0, 20.0, 1.0, 3_000_000),
        ("emoc", 0, 2, 12.0, 40.0, 3.0, 8_000_000),
        ("emoc", 1, 0, None, 800.0, 8.0, None),
        ("emoc", 1, 1, 30.0, 60.0, 2.0, None),
        ("min", 0, 0, None, 900.0, 4.0, None),
        ("min", 0, 1, 1.0, 2.0, 3.0, None),
    ]
    rounds = pd.DataFrame(rows, columns=columns).assign(setting="digits").astype({"peak_memory_bytes": "Int64"})
    found = costs(rounds).set_index("strategy")
    emoc = found.loc["emoc"]
    assert (emoc["query_seconds"], emoc["query_seconds_largest"]) == (16, 30)
    assert emoc["train_seconds"] == 40
    assert emoc["eval_seconds"] == pytest.approx(18 / 5)
    assert emoc["cell_minutes"] == pytest.approx(((6 + 12 + 20 + 40 + 1 + 3) + (30 + 60 + 2)) / 2 / 60)
    assert emoc["peak_memory_megabytes"] == 8
    assert found.loc["min", "cell_minutes"] == pytest.approx(0.1)
    assert pd.isna(found.loc["min", "peak_memory_megabytes"])
