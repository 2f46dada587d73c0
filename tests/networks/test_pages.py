"""The documentation of the networks is current, and the numbers of weights that classes claim are theirs."""

from __future__ import annotations

import re

import pytest

from albench.cli.describe import described
from docs import generate_networks as pages

CLAIMS = {entry.name: re.search(r"([\d,]+) parameters", described(entry)["description"]) for entry in pages.entries()}


def test_the_pages_of_the_networks_are_current() -> None:
    assert pages.stale() == [], "run python docs/generate_networks.py"


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim])
def test_a_network_has_as_many_weights_as_its_class_claims_for_ten_classes(name: str) -> None:
    (entry,) = (entry for entry in pages.entries() if entry.name == name)
    claim = CLAIMS[name]
    assert claim is not None
    assert pages.size(entry)[1] == int(claim[1].replace(",", ""))


def test_several_classes_claim_a_number() -> None:
    assert sum(claim is not None for claim in CLAIMS.values()) >= 3
