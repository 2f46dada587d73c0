"""The first sentences of the page: what they claim is what the tables and figures say, and what the seeds can tell."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy import stats

from albench import Figure, Note, Results, Table
from albench_reports.sections.leaderboard import Leaderboard
from albench_reports.sections.significance import Significance
from albench_reports.wording import points
from tests.reports.synthetic import Synthetic


def drawn(results: Results, section: Leaderboard | Significance | None = None) -> tuple[str, list[Table], list[Figure]]:
    """The sentences against the study's reference, and its tables and figures."""
    section = section or Leaderboard()
    content = section.draw(section.compute(results), results)
    mine = [one for one in content.sentences if one.when.get("reference") == results.reference]
    parts = [part for part in content.parts if part.when.get("reference", results.reference) == results.reference]
    tables = [part for part in parts if isinstance(part, Table)]
    return "\n".join(one.text for one in mine), tables, [part for part in parts if isinstance(part, Figure)]


def test_the_headline_says_who_leads_by_how_much_and_who_is_best(tmp_path: Path) -> None:
    study = Synthetic(effects={"emoc": 0.1, "min": 0.0, "random": 0.0}, seeds=range(9), rounds=20, noise=0.004)
    sentence, _, _ = drawn(study.results(tmp_path))
    assert re.fullmatch(
        r"One strategy leads random on digits in mean accuracy: emoc by \+\d\.\d points \(\d\.\d+ to \d\.\d+\); 95 % "
        r"intervals that hold for all 2 comparisons together, 9 paired seeds\. emoc's label savings against random to "
        r"\d+ %: \d[\d.]*\u00a0% \(median over the pairs of seeds\)\. emoc is the best of 3: it is told apart from every other\.",
        sentence,
    )


def test_a_difference_that_could_be_chance_is_no_lead(tmp_path: Path) -> None:
    study = Synthetic(effects={"emoc": 0.0, "random": 0.0}, noise=0.03, seeds=range(4))
    sentence, _, _ = drawn(study.results(tmp_path))
    assert sentence.startswith("No strategy can be said to lead random on digits: the largest difference")
    assert sentence.endswith("which includes 0.")


def test_what_trails_the_reference_is_named(tmp_path: Path) -> None:
    study = Synthetic(effects={"max": -0.2, "min": 0.0, "random": 0.0}, seeds=range(9))
    sentence, _, _ = drawn(study.results(tmp_path))
    assert "No strategy can be said to lead random on digits" in sentence
    assert "max trails random." in sentence


def test_a_shared_first_place_is_called_shared(tmp_path: Path) -> None:
    effects = {"emoc": 0.1, "min": 0.1, "random": 0.0}
    sentence, tables, _ = drawn(Synthetic(effects=effects, seeds=range(9), noise=0.01).results(tmp_path))
    assert "The first place is shared: no other is told to be better than " in sentence
    assert set(tables[0].frame.set_index("strategy").loc[["emoc", "min"], "group"]) == {"a"}
    assert "the best of" not in sentence


def test_every_setting_has_its_sentence(tmp_path: Path) -> None:
    study = Synthetic(scenarios=("digits", "cifar100"), effects={"emoc": 0.2, "random": 0.0}, seeds=range(5))
    sentence, _, _ = drawn(study.results(tmp_path))
    assert [line.split(" in mean")[0] for line in sentence.splitlines()] == [
        "One strategy leads random on digits",
        "One strategy leads random on cifar100",
    ]


def test_every_reference_that_can_be_chosen_has_its_sentence(tmp_path: Path) -> None:
    results = Synthetic(seeds=range(5)).results(tmp_path)
    section = Leaderboard()
    content = section.draw(section.compute(results), results)
    assert {note.when["reference"] for note in content.sentences} == set(results.strategies)
    against_emoc = next(note.text for note in content.sentences if note.when["reference"] == "emoc")
    assert "No strategy can be said to lead emoc" in against_emoc


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    effects=st.lists(st.floats(-0.15, 0.15), min_size=1, max_size=5),
    n_seeds=st.integers(1, 9),
    noise=st.sampled_from([0.0, 0.003, 0.03]),
    missing=st.integers(0, 3),
)
@example(effects=[1e-5], n_seeds=3, noise=0.0, missing=0)  # the same at every seed but for rounding
def test_headline_tables_figures_and_tests_make_the_same_claims(
    effects: list[float], n_seeds: int, noise: float, missing: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = {"random": 0.0, **{f"s{place}": effect for place, effect in enumerate(effects)}}
    gone = {("s0", seed): "" for seed in range(missing)}
    results = Synthetic(effects=names, seeds=range(n_seeds), noise=noise, missing=gone, outcomes=False).results(
        tmp_path_factory.mktemp("store") / "store"
    )
    sentence, tables, figures = drawn(results)
    table = tables[0].frame.set_index("strategy")
    table = table[table["n_seeds"] > 0]
    others = [name for name in table.index if name != "random"]
    expected = {name: claim_by_hand(results, name, len(others)) for name in others}
    assert dict(table["verdict"][others]) == expected
    leads = [name for name in others if expected[name] == "leads"]
    assert ("No strategy can be said to lead random" in sentence) == (not leads and bool(others))
    assert bool(re.search(r"^(One strategy leads|\d+ strategies lead) random", sentence)) == bool(leads)
    for name in leads[:3]:
        assert f"{name} by {points(table.loc[name, 'accuracy_difference'])} points" in sentence
    trailing = sorted(name for name, verdict in expected.items() if verdict == "trails")
    assert bool(re.search(r" trails? random\.", sentence)) == bool(trailing)
    for trace in [trace for figure in figures for trace in figure.plot["data"]]:
        row = table.loc[trace["name"]]
        assert trace["x"] == [pytest.approx(100 * row["accuracy_difference"])]
        reach = trace["error_x"].get("array", [np.nan])[0]
        assert trace["x"][0] + reach == pytest.approx(100 * row["accuracy_difference_high"], nan_ok=True, abs=1e-3)
    tested, tests, _ = drawn(results, Significance())
    if tests:
        claims = tests[0].frame.set_index("strategy")
        assert dict(claims["verdict"]) == {name: verdict for name, verdict in expected.items() if name in claims.index}
        assert ("none can be told from chance" in tested) == (set(claims["verdict"]) == {""})


def claim_by_hand(results: Results, name: str, comparisons: int) -> str:
    """What scipy's paired t test says of the areas that numpy computes, corrected for all comparisons."""
    area = {
        (strategy, seed): np.trapezoid(own["accuracy"], own["n_labeled"]) / np.ptp(own["n_labeled"])
        for (strategy, seed), own in results.rounds.groupby(["strategy", "seed"])
    }
    pairs = [
        (area[name, seed], area["random", seed])
        for seed in results.rounds["seed"].unique()
        if (name, seed) in area and ("random", seed) in area
    ]
    if len(pairs) < 2:
        return ""
    differences = np.array([one - other for one, other in pairs])
    if np.ptp(differences) < 1e-12:
        return ""
    test = stats.ttest_rel(*zip(*pairs, strict=True))
    return "" if test.pvalue * comparisons >= 0.05 else "leads" if test.statistic > 0 else "trails"


def test_a_strategy_that_failed_everywhere_keeps_its_row_with_the_reason(tmp_path: Path) -> None:
    failed = {("min", seed): "StrategyError: it returned NaN" for seed in range(3)}
    _, tables, _ = drawn(Synthetic(missing=failed).results(tmp_path))
    row = tables[0].frame.iloc[-1]
    assert (row["strategy"], row["n_seeds"], row["group"]) == ("min", 0, "")
    assert row["reason"] == "failed: StrategyError: it returned NaN"
    assert row["claim"] == row["reason"]
    assert "claim" in [column.name for column in tables[0].columns]


def test_where_everything_failed_the_reasons_are_all_there_is(tmp_path: Path) -> None:
    failed = {(name, seed): "ValueError: boom" for name in ("random", "emoc") for seed in range(2)}
    results = Synthetic(effects={"random": 0.0, "emoc": 0.0}, seeds=(0, 1), missing=failed).results(tmp_path)
    section = Leaderboard()
    content = section.draw(section.compute(results), results)
    assert content.sentence == "No cell has finished yet, so there is nothing to compare."
    table = next(part for part in content.parts if isinstance(part, Table))
    assert list(table.frame["reason"]) == ["failed: ValueError: boom"] * 2
    assert not [part for part in content.parts if isinstance(part, (Figure, Note))]
