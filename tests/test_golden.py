"""Numbers that nobody may move unseen: rows of the quickstart, seed 0, as the first version computed them.

`tests/data/quickstart.jsonl` was written by commit 1db8935. Whoever means to change what is computed raises the version
of the component, or HARNESS_RESULTS_VERSION, and writes new rows. Accuracies alone may differ between processors.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import albench

GOLDEN = Path(__file__).parent / "data" / "quickstart.jsonl"
ACCURACIES = ("accuracy", "accuracy_known", "accuracy_novel")


def test_the_quickstart_gives_the_rows_of_the_first_version(tmp_path: Path) -> None:
    golden = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    strategies = sorted({row["strategy"] for row in golden})
    assert strategies == ["1vs2", "emoc", "max", "min", "random"]
    albench.run(strategies=strategies, seeds=1, store=tmp_path, report=False)
    stored = [
        json.loads(line)
        for path in tmp_path.glob("cells/*/*/*/rounds.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    found = {(row["strategy"], row["round"]): row for row in stored}
    assert len(found) == len(golden) == 5 * 9
    for row in golden:
        own = found[row["strategy"], row["round"]]
        for name, value in row.items():
            if name in ACCURACIES:
                assert own[name] == pytest.approx(value, abs=0.02), (row["strategy"], row["round"], name)
            else:
                assert own[name] == value, (row["strategy"], row["round"], name)
