"""docs/performance.md is what the committed records make of it."""

from __future__ import annotations

from pathlib import Path

from benchmarks import record
from docs import generate_performance as pages

MACHINE = {
    "kind": "AuthenticAMD avx2",
    "processor": "AMD EPYC",
    "vendor": "AuthenticAMD",
    "family": "25",
    "model": "1",
    "instructions": ["avx2"],
    "threads": 1,
    "torch": "2.9",
    "date": "2030-01-01T00:00:00+00:00",
    "commit": "a" * 40,
    "dirty": False,
}


def row(ratio: float | None) -> dict[str, object]:
    cells = {"strategy": "badge|x", "seconds": 0.123456, "ratio": ratio}
    return {"name": "badge", "cells": cells, "better": {"ratio": "higher"}}


def test_the_page_is_current() -> None:
    assert not pages.stale(), "run python docs/generate_performance.py"


def test_the_page_holds_the_newest_table_of_each_kind(tmp_path: Path) -> None:
    record.write(MACHINE, {"Speed": [row(1.0)], "Memory": [row(4.0)]}, tmp_path)
    record.write({**MACHINE, "commit": "b" * 40, "date": "2030-02-01"}, {"Speed": [row(2.0), row(None)]}, tmp_path)
    record.write({**MACHINE, "kind": "ARM sve", "dirty": True}, {"Speed": [row(3.0)]}, tmp_path)
    text = pages.page(tmp_path)
    assert text.index("## ARM sve") < text.index("## AuthenticAMD avx2")
    assert "aaaaaaaaaaaa, with changes that were not committed\n" in text
    assert "2030-02-01, commit bbbbbbbbbbbb\n" in text
    memory = text[text.index("### Memory") : text.index("### Speed", text.index("### Memory"))]
    assert "**4**" in memory, "what a later run did not measure stays"
    assert "2030-01-01, commit aaaaaaaaaaaa\n" in memory
    assert "| strategy | seconds | ratio |\n| --- | --- | --- |\n| badge\\|x | 0.1235 | **2** |\n" in text
    assert "| badge\\|x | 0.1235 | **-** |\n" in text
    assert "**1**" not in text


def test_the_page_says_when_nothing_is_stored(tmp_path: Path) -> None:
    assert pages.page(tmp_path).endswith("`make bench` writes the first record.\n")
