"""Pairs are pairs only where they start from one network."""

from __future__ import annotations

from pathlib import Path

from albench.store.results import collect
from albench_reports.page.assemble import assemble
from tests.conftest import edit_json
from tests.reports.synthetic import Synthetic


def test_strategies_that_start_from_different_networks_are_a_warning(tmp_path: Path) -> None:
    store = Synthetic(effects={"random": 0.0, "emoc": 0.0}, seeds=[0, 1, 2]).write(tmp_path)
    for path in store.rglob("cell.json"):
        edit_json(path, lambda record: record.update(initial_sha256=f"network {record['spec']['seed']}"))
    assert not any("Unequal starts" in text for text in assemble(collect(store)).warnings)
    for path in store.glob("cells/digits/emoc/seed-[12]-*/cell.json"):
        edit_json(path, lambda record: record.update(initial_sha256="trained again"))
    warned = [text for text in assemble(collect(store)).warnings if text.startswith("Unequal starts")]
    assert len(warned) == 1
    assert "of digits do not all start from the same network at seed 1, and at 1 more seed; it was trained" in warned[0]
