"""The documentation of the data sets is current and says what a reader must know of each."""

from __future__ import annotations

import re

import pytest

from albench.cli.describe import described
from docs import generate_datasets as pages

PUBLISHED = [entry for entry in pages.entries() if entry.name not in ("images", "features", "parquet")]


def test_the_pages_of_the_data_sets_are_current() -> None:
    assert pages.stale() == [], "run python docs/generate_datasets.py"


@pytest.mark.parametrize("entry", PUBLISHED, ids=[entry.name for entry in PUBLISHED])
def test_a_published_data_set_says_its_counts_source_and_licence(entry: pages.Entry) -> None:
    first = described(entry)["description"].split("\n\n")[0]
    assert re.search(r"\d,?\d{3}|Eleven sets", first)
    assert re.search(r"\b(19|20)\d\d\b", first), "the year of its source"
    assert re.search(r"CC BY|licen[cs]e|terms|non-commercial", first)
