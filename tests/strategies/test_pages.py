"""The documentation of the strategies is current, complete and runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs import generate_strategies as pages

ROOT = Path(__file__).parents[2]
NAMES = [entry.name for entry in pages.entries()]


def test_the_pages_of_the_strategies_are_current() -> None:
    assert pages.stale() == [], "run python docs/generate_strategies.py"


def test_a_page_is_stale_when_its_class_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    from albench_strategies.posterior import Entropy

    monkeypatch.setattr(Entropy, "__doc__", str(Entropy.__doc__).replace("in nats", "in bits"))
    assert pages.stale() == ["entropy.md"]


@pytest.mark.parametrize("entry", pages.entries(), ids=NAMES)
def test_a_strategy_says_its_idea_formula_sets_cost_and_source(entry: pages.Entry) -> None:
    parts = pages.sections(pages.described(entry)["description"])
    assert list(parts) == ["Idea", *pages.PARTS]
    assert all(parts.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_strategy_names_a_test_of_its_formula(name: str) -> None:
    assert pages.tests_of(name)


def test_a_strategy_that_takes_more_than_ten_forward_passes_says_why() -> None:
    measured = pages.json.loads(pages.MEASURED.read_text(encoding="utf-8"))
    assert set(measured) == set(NAMES)
    slow = [entry for entry in pages.entries() if measured[entry.name] > pages.LIMIT]
    assert slow
    for entry in slow:
        cost = pages.sections(pages.described(entry)["description"])["Cost"]
        assert "more than ten forward" in cost or "because" in cost or "since" in cost, entry.name
