"""What the page says in words, above all where the results are thin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from albench.contracts.report import Content, Figure, Note, Results, Table
from albench.store.results import collect
from albench_reports.page.assemble import Page, assemble
from tests.conftest import edit_json, edit_rows, small_run
from tests.reports.synthetic import Synthetic


def content(results: Results, section: str) -> Content:
    page = assemble(results)
    found = next(one for one in page.sections if one.id == section)
    assert not found.failure, found.failure
    return found.content


def notes(found: Content) -> list[str]:
    return [part.text for part in found.parts if isinstance(part, Note)]


def said(page: Page) -> str:
    """Everything that is written on the page outside tables and figures' numbers."""
    assert not [section.failure for section in page.sections if section.failure]
    texts = [*page.warnings]
    for section in page.sections:
        texts += [line.text for line in section.sentences if line.is_shown] + notes(section.content)
        texts += [part.summary for part in section.content.parts if isinstance(part, Figure)]
    return "\n".join(texts)


NOTHING = Synthetic(
    effects={"random": 0.0, "emoc": 0.0}, seeds=[0], missing={("random", 0): "", ("emoc", 0): "ValueError: x"}
)
THIN: list[tuple[str, Synthetic, list[str]]] = [
    ("nothing finished", NOTHING, ["No cell has finished yet, so there is nothing to compare", "0 of 2 cells", "ValueError: x"]),
    ("one seed", Synthetic(seeds=[7]), ["from one paired seed, which gives no interval", "one paired seed says nothing about chance"]),
    ("one strategy", Synthetic(effects={"random": 0.0}), ["Only random has finished on digits", "One strategy alone cannot be compared"]),
    ("only round 0", Synthetic(rounds=0), ["no finished cell has queried anything", "Nothing was queried"]),
    ("one round", Synthetic(rounds=1), ["emoc by +"]),
    ("unfinished cells", Synthetic(missing={("min", 1): ""}), ["8 of 9 cells; 1 missing: digits / min / seed 1 (not started)."]),
    ("a strategy missing at a seed", Synthetic(missing={("emoc", 2): ""}), ["emoc and random are not paired at seed 2"]),
    ("no pairs at all", Synthetic(seeds=(0, 1), effects={"emoc": 0.1, "random": 0.0}, missing={("emoc", 0): "", ("random", 1): ""}),
     ["no seed is paired with it"]),
    ("without the usual reference", Synthetic(effects={"emoc": 0.1, "min": 0.0}), ["No strategy can be said to lead emoc on digits: the largest difference in mean accuracy is min's, −"]),
    ("three seeds", Synthetic(), ["with 3 paired seeds and 2 comparisons only true differences of", "are called a lead with a power of about .8"]),
]  # fmt: skip


@pytest.mark.parametrize(("study", "expected"), [case[1:] for case in THIN], ids=[case[0] for case in THIN])
def test_thin_results_give_a_page_that_says_so(study: Synthetic, expected: list[str], tmp_path: Path) -> None:
    text = said(assemble(study.results(tmp_path)))
    for words in expected:
        assert words in text
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", text)


def test_identical_scores_are_a_tie_without_variance(tmp_path: Path) -> None:
    study = Synthetic(effects={"emoc": 0.0, "random": 0.0}, noise=0.0)
    text = said(assemble(study.results(tmp_path)))
    assert "No strategy can be said to lead random on digits: emoc is identical to it at every seed." in text
    assert "differ from random by the same amount at every seed" in text


def test_scores_that_are_missing_are_left_out_and_the_page_stays_whole(tmp_path: Path) -> None:
    store = Synthetic().write(tmp_path)
    for path in store.rglob("rounds.jsonl"):
        edit_rows(path, lambda row: row.update(accuracy_novel=None))
    page = assemble(collect(store))
    assert "nan" not in said(page)
    captions = [part.caption for section in page.sections for part in section.content.parts if isinstance(part, Figure)]
    assert "Accuracy, digits" in captions
    assert "Accuracy on novel classes, digits" not in captions


def test_data_that_are_gone_leave_the_page_without_images_and_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALBENCH_DATA", str(tmp_path / "nowhere"))
    study = Synthetic(scenarios=("cifar100",), seeds=[0], effects={"random": 0.0, "emoc": 0.1})
    found = notes(content(study.results(tmp_path / "store"), "asked"))
    assert any("cannot be shown: CIFAR-100 is not in" in text and "it is not downloaded" in text for text in found)


def test_data_that_are_others_are_not_shown(tmp_path: Path) -> None:
    study = Synthetic(fingerprints=dict.fromkeys(range(3), "of other data"))
    assert any(
        "not those that the results were computed from" in t for t in notes(content(study.results(tmp_path), "asked"))
    )


def test_the_queried_images_are_shown_in_the_order_of_the_queries(tmp_path: Path) -> None:
    small_run(tmp_path / "store", strategies="random,max", seeds=2, rounds=3)
    results = collect(tmp_path / "store")
    galleries = [part for part in content(results, "asked").parts if type(part).__name__ == "Gallery"]
    assert [part.when["seed"] for part in galleries] == ["0", "1"]
    own = results.rounds[(results.rounds["strategy"] == "max") & (results.rounds["seed"] == 0)].iloc[1:]
    pictures = galleries[0].rows["max"]
    assert [picture.label for picture in pictures] == [
        f"round {r}: {c}" for r, c in zip(own["round"], own["query_class"], strict=True)
    ]
    assert [picture.frame for picture in pictures] == ["novel" if novel else "known" for novel in own["query_is_novel"]]
    assert all(picture.data[:4] == b"RIFF" for picture in pictures)
    assert "5 of 5 images that max asked for in round 1, seed 0" in pictures[0].alt


Change = Callable[[int], dict[str, object]]
MIXED: list[tuple[str, Change, str]] = [
    ("hardware", lambda n: {"cpu": f"CPU {n % 2}"}, "Mixed hardware: CPU 0, 1 thread (2 cells) and CPU 1, 1 thread (1 cell)"),
    ("threads", lambda n: {"threads": 1 + n % 2}, "Mixed hardware: A processor, 1 thread (2 cells) and A processor, 2 threads"),
    ("versions", lambda n: {"versions": {"torch": f"2.1{n % 2}"}}, "Mixed versions: torch 2.10 (2 cells) and 2.11 (1 cell)"),
    ("changes", lambda _: {"git": {"commit": "f" * 40, "dirty": True}}, "3 cells ran from a checkout of albench with changes"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in MIXED], ids=[case[0] for case in MIXED])
def test_what_is_mixed_is_a_warning(change: Change, expected: str, tmp_path: Path) -> None:
    store = Synthetic(effects={"random": 0.0}).write(tmp_path)
    for number, path in enumerate(sorted(store.rglob("cell.json"))):
        edit_json(path, lambda record: record["provenance"].update(change(number)))  # noqa: B023 - called at once
    assert any(expected in text for text in assemble(collect(store)).warnings)


@pytest.mark.parametrize(
    ("noted", "expected"),
    [
        ({"emoc_rms_error": 0.004}, "emoc approximates its scores (emoc_rms_error: median 0.004, largest 0.004)"),
        ({"approximation": "a third of the images"}, "emoc approximates its scores: a third of the images"),
        ({"warning": "all scores are 0"}, "emoc warned in 18 rounds: all scores are 0"),
    ],
)
def test_what_strategies_note_limits_the_claim(noted: dict[str, object], expected: str, tmp_path: Path) -> None:
    store = Synthetic().write(tmp_path)
    for path in store.glob("cells/digits/emoc/*/rounds.jsonl"):
        edit_rows(path, lambda row: row.update(notes=noted if row["round"] else {}))
    assert any(expected in text for text in assemble(collect(store)).warnings)


def test_exact_scores_are_no_approximation(tmp_path: Path) -> None:
    store = Synthetic(effects={"emoc": 0.0}).write(tmp_path)
    for path in store.rglob("rounds.jsonl"):
        edit_rows(path, lambda row: row.update(notes={"emoc_rms_error": 0.0}))
    assert not any("approximates" in text for text in assemble(collect(store)).warnings)


def test_a_failed_null_check_is_a_warning_and_a_passed_one_a_note(tmp_path: Path) -> None:
    failed = Synthetic(effects={"random": 0.0, "random[stream=1]": 0.1}, seeds=range(5))
    page = assemble(failed.results(tmp_path / "failed"))
    assert any(
        text.startswith("Failed null check: digits: null check, random against random[stream=1]")
        for text in page.warnings
    )
    passed = Synthetic(effects={"random": 0.0, "random[stream=1]": 0.0}, seeds=range(5), noise=0.02)
    page = assemble(passed.results(tmp_path / "passed"))
    assert not any("null check" in text for text in page.warnings)
    assert "null check, random against random[stream=1]" in said(page)


def test_three_pairs_are_said_to_tell_nothing_where_they_do_not(tmp_path: Path) -> None:
    study = Synthetic(effects={"emoc": 0.0, "random": 0.0}, noise=0.03)
    text = said(assemble(study.results(tmp_path)))
    assert "of 1 comparison with random, none can be told from chance, all together at .05." in text


def test_differences_that_are_told_from_chance_are_named(tmp_path: Path) -> None:
    study = Synthetic(effects={"emoc": 0.2, "min": 0.0, "max": -0.2, "random": 0.0}, seeds=range(9), noise=0.01)
    text = said(assemble(study.results(tmp_path)))
    claims = r"of 3 comparisons with random, 2 can be told from chance, all together at \.05: .*"
    assert re.search(claims + r"emoc leads \(\+\d+\.\d points, p < \.001\)", text)
    assert re.search(claims + r"max trails \(−\d+\.\d points, p < \.001\)", text)


def test_a_null_check_as_large_as_a_claimed_lead_is_named_at_the_top(tmp_path: Path) -> None:
    effects = {"random": 0.0, "random[stream=1]": -0.2, "emoc": 0.1, "min": 0.0}
    page = assemble(Synthetic(effects=effects, seeds=range(9), noise=0.004).results(tmp_path / "large"))
    named = [text for text in page.warnings if "A lead of that size is what luck alone does." in text]
    assert len(named) == 1
    assert re.search(r"random\[stream=1\] differs from random, .* by −\d+\.\d points, .* leads random: emoc", named[0])
    small = assemble(
        Synthetic(effects={**effects, "random[stream=1]": 0.0}, seeds=range(9)).results(tmp_path / "small")
    )
    assert not [text for text in small.warnings if "luck alone" in text]


def test_five_scenarios_bring_friedmans_test_and_its_diagram(tmp_path: Path) -> None:
    study = Synthetic(scenarios=tuple("abcde"), seeds=(0, 1), effects={"emoc": 0.2, "min": 0.1, "random": 0.0})
    found = content(study.results(tmp_path), "significance")
    captions = [part.caption for part in found.parts if isinstance(part, Figure)]
    assert any(caption.startswith("Critical differences over 5 settings") for caption in captions)
    assert "Pairwise penalties, all 5 settings; chance level 0.125" in captions
    assert any(text.startswith("Over 5 settings Friedman's χ² is 10.00 (p = .007)") for text in notes(found))


def test_fewer_scenarios_say_why_there_is_no_diagram(tmp_path: Path) -> None:
    found = notes(content(Synthetic().results(tmp_path), "significance"))
    assert any("need 5 settings or more that every strategy has finished, and here is 1" in text for text in found)


def test_seeds_that_do_not_reach_a_target_are_marked_in_the_figure_and_in_words(tmp_path: Path) -> None:
    study = Synthetic(effects={"emoc": 0.1, "max": -0.2, "random": 0.0}, rounds=10)
    figures = [part for part in content(study.results(tmp_path), "targets").parts if isinstance(part, Figure)]
    last = figures[-1]
    assert re.search(r"max at none of 3 seeds", last.summary)
    symbols = {trace["marker"].get("symbol") for trace in last.plot["data"] if trace["name"] == "max"}
    assert "triangle-right-open" in symbols


def test_many_seeds_are_shown_as_many_as_the_page_can_hold(tmp_path: Path) -> None:
    study = Synthetic(effects={f"s{place}": 0.0 for place in range(9)}, seeds=range(8), rounds=2)
    found = content(study.results(tmp_path), "asked")
    assert "digits: the queries of 5 seeds of 8 are shown." in found.sentence
    assert {part.when["seed"] for part in found.parts if "seed" in part.when} == set("01234")


def test_copies_of_cells_in_two_stores_are_said(tmp_path: Path) -> None:
    study = Synthetic(effects={"random": 0.0})
    results = collect(study.write(tmp_path / "a"), study.write(tmp_path / "b"))
    assert (
        "3 cells are in more than one store, with the same numbers; each counts once."
        in content(results, "trust").sentence
    )


def test_benchmarks_are_shown_when_given(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.json"
    stats = {"mean": 0.125, "stddev": 0.01, "rounds": 5}
    file.write_text(json.dumps({"benchmarks": [{"name": "score[emoc]", "group": "scoring", "stats": stats}]}))
    results = collect(Synthetic().write(tmp_path / "store"), benchmarks=file)
    tables = [part for part in content(results, "cost").parts if isinstance(part, Table)]
    assert tables[-1].frame["mean_seconds"].tolist() == [0.125]


def test_the_protocol_is_stated_in_full(tmp_path: Path) -> None:
    small_run(tmp_path / "store", strategies="emoc", rounds=1)
    results = collect(tmp_path / "store")
    table = next(
        part
        for part in content(results, "trust").parts
        if isinstance(part, Table) and part.caption.startswith("Protocol in full")
    )
    stated = {(row["part_of"], row["name"]): row["value"] for row in table.frame.to_dict("records")}
    setting = next(iter(results.study["settings"].values()))
    for part in ("protocol", "learner", "network"):
        assert setting[part]["parameters"]
        for name, value in setting[part]["parameters"].items():
            expected = value if isinstance(value, str) else json.dumps(value)
            assert stated[f"{part} {setting[part]['label']}", name] == expected
    assert stated["strategy emoc", "label"] == "set"
    assert stated["scenario digits", "novel"] == "5"


def test_numbers_in_figures_are_short_and_never_nan(tmp_path: Path) -> None:
    page = assemble(Synthetic(seeds=[0], rounds=3).results(tmp_path))
    values = np.array(re.findall(r"\d+\.\d+", json.dumps(page.figures, allow_nan=False)))
    assert len(values)
    assert max(len(value.replace(".", "").lstrip("0")) for value in values) <= 17


def test_of_many_strategies_the_reference_and_some_others_can_be_compared_with(tmp_path: Path) -> None:
    study = Synthetic(effects={f"s{place}": 0.0 for place in range(12)} | {"random": 0.0}, seeds=[0, 1], rounds=2)
    found = content(study.results(tmp_path), "leaderboard")
    offered = {part.when["reference"] for part in found.parts if "reference" in part.when}
    assert len(offered) == 10
    assert "random" in offered
    assert any(text.startswith("10 of 13 strategies can be chosen as the reference") for text in notes(found))
