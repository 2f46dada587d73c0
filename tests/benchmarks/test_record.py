"""What `make bench` writes and `make bench-compare` says, on small records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import record

MACHINE = {"kind": "AuthenticAMD avx512_bf16", "commit": "a" * 40, "date": "2030-01-01T00:00:00+00:00"}


def rows(value: float | None, better: str = "higher", name: str = "badge, 2000") -> dict[str, list[dict[str, Any]]]:
    cells = {"strategy": "badge", "pool": 2000, "seconds": 0.5, "ratio": value}
    return {"Speed": [{"name": name, "cells": cells, "better": {"ratio": better}}]}


def later(tables: Any, commit: str = "b" * 40, **changes: str) -> tuple[dict[str, str], Any]:
    return {**MACHINE, "commit": commit, "date": "2030-02-01T00:00:00+00:00", **changes}, tables


@pytest.mark.parametrize(("better", "lost", "kept"), [("higher", 0.79, 0.81), ("lower", 1.21, 1.19)])
def test_a_loss_of_21_per_cent_fails_and_one_of_19_does_not(
    tmp_path: Path, better: str, lost: float, kept: float
) -> None:
    record.write(MACHINE, rows(2.0, better), tmp_path)
    record.write(*later(rows(2.0 * kept, better)), tmp_path)
    lines, well = record.compare(tmp_path)
    assert well
    assert lines[0] == "AuthenticAMD avx512_bf16: aaaaaaaaaaaa of 2030-01-01 -> bbbbbbbbbbbb of 2030-02-01"
    assert lines[1].startswith("worse    19.0%  Speed: badge, 2000: ratio 2 -> ")
    record.write(*later(rows(2.0 * lost, better)), tmp_path)
    lines, well = record.compare(tmp_path)
    assert not well
    assert lines[1].startswith("LOST     21.0%  Speed: badge, 2000: ratio 2 -> ")


@pytest.mark.parametrize(("better", "gained"), [("higher", 3.0), ("lower", 1.0)])
def test_a_gain_is_told_and_never_fails(tmp_path: Path, better: str, gained: float) -> None:
    record.write(MACHINE, rows(2.0, better), tmp_path)
    record.write(*later(rows(gained, better)), tmp_path)
    lines, well = record.compare(tmp_path)
    assert well
    assert lines[1] == f"better   50.0%  Speed: badge, 2000: ratio 2 -> {gained:.4g}"


def test_another_kind_of_machine_is_not_compared(tmp_path: Path) -> None:
    record.write(MACHINE, rows(2.0), tmp_path)
    record.write(*later(rows(0.1), kind="GenuineIntel avx2"), tmp_path)
    lines, well = record.compare(tmp_path)
    assert well
    assert lines == [
        "the record of bbbbbbbbbbbb of 2030-02-01 is the only one of its kind of machine: nothing to compare it with"
    ]


def test_the_last_record_before_the_newest_is_compared_with(tmp_path: Path) -> None:
    record.write({**MACHINE, "commit": "c" * 40, "date": "2029-01-01T00:00:00+00:00"}, rows(9.0), tmp_path)
    record.write(MACHINE, rows(2.0), tmp_path)
    record.write(*later(rows(2.0)), tmp_path)
    lines, well = record.compare(tmp_path)
    assert well
    assert lines[1:] == ["1 of 1 ratios moved by at most 5%"]


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_missing_row_is_named_and_so_is_one_without_a_value(tmp_path: Path, value: float | None) -> None:
    record.write(MACHINE, {**rows(2.0), "Memory": rows(3.0, name="all")["Speed"]}, tmp_path)
    record.write(*later(rows(value)), tmp_path)
    lines, well = record.compare(tmp_path)
    assert well
    assert lines[1:] == [
        "0 of 0 ratios moved by at most 5%",
        "missing: Speed: badge, 2000: ratio",
        "missing: Memory: all: ratio",
    ]


def test_without_records_nothing_is_compared(tmp_path: Path) -> None:
    assert record.compare(tmp_path) == ([f"no records in {tmp_path}; make bench writes one"], True)


def test_a_second_run_at_a_commit_adds_its_tables_and_replaces_those_it_ran_again(tmp_path: Path) -> None:
    path = record.write(MACHINE, {**rows(2.0), "Memory": rows(3.0)["Speed"]}, tmp_path)
    assert record.write(MACHINE, rows(2.5), tmp_path) == path
    assert path.name == "authenticamd-avx512-bf16-aaaaaaaaaaaa.json"
    tables = json.loads(path.read_text(encoding="utf-8"))["tables"]
    assert [tables[title][0]["cells"]["ratio"] for title in ("Speed", "Memory")] == [2.5, 3.0]


def test_numbers_of_numpy_stay_numbers(tmp_path: Path) -> None:
    tables = rows(np.float32(2.5))
    assert json.loads(record.write(MACHINE, tables, tmp_path).read_text(encoding="utf-8"))["tables"] == rows(2.5)


def test_a_gpus_results_are_left_to_their_own_reader(tmp_path: Path) -> None:
    (tmp_path / "gpu-h100-aaaa.json").write_text("{}", encoding="utf-8")
    assert record.read(tmp_path) == []


def test_a_record_says_what_machine_it_is_of() -> None:
    found = record.machine()
    assert {"processor", "vendor", "family", "model", "instructions", "threads", "torch", "date", "commit"} < set(found)
    assert found["kind"].startswith(found["vendor"])
    assert found["kind"].endswith(f"family {found['family']} model {found['model']}")
    json.dumps(found)


def test_the_command_prints_what_moved_and_ends_with_1_for_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record.write(MACHINE, rows(2.0), tmp_path)
    record.write(*later(rows(1.0)), tmp_path)
    lines = record.compare(tmp_path)[0]
    monkeypatch.setattr(record, "compare", lambda: (lines, False))
    with pytest.raises(SystemExit) as ended:
        record.main()
    assert ended.value.code == 1
    assert "LOST     50.0%" in capsys.readouterr().out
