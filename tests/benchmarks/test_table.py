from __future__ import annotations

import pytest

from benchmarks import table


@pytest.fixture(autouse=True)
def _own_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_tables", {})
    monkeypatch.setattr(table, "_records", {})


def test_a_row_is_known_by_its_cells_before_the_first_fraction() -> None:
    assert table.named({"strategy": "badge", "pool": 2000, "seconds": 1.5, "peak MB": 300}) == "badge, 2000"


def test_rows_of_one_title_that_are_remembered_have_different_names() -> None:
    table.add("Speed", {"strategy": "badge", "ratio": 1.5}, higher=["ratio"])
    table.add("Memory", {"strategy": "badge", "ratio": 1.5}, higher=["ratio"])
    table.add("Speed", {"strategy": "badge", "ratio": 1.6}, higher=["ratio"], name="badge, large")
    with pytest.raises(ValueError, match=r"two rows of 'Speed' are named 'badge'"):
        table.add("Speed", {"strategy": "badge", "ratio": 1.7}, higher=["ratio"])


def test_a_column_to_remember_must_be_in_the_row() -> None:
    with pytest.raises(ValueError, match=r"the row 'badge' of 'Speed' has no column 'ratoi' to remember"):
        table.add("Speed", {"strategy": "badge", "ratio": 1.5}, lower=["ratoi"])
