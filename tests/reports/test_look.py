"""How numbers, axes and lines are shown, and what the page says it is of."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from albench.contracts.report import Figure
from albench.store.results import collect
from albench_reports import draw
from albench_reports.page import about
from albench_reports.page.assemble import Page, assemble
from albench_reports.wording import duration, interval, seeds_in_words
from tests.conftest import edit_json
from tests.reports.synthetic import Synthetic


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(4.4e-5, "44 µs"), (0.0162, "16.2 ms"), (0.9996, "1 s"), (2.271, "2.27 s"), (119.7, "2 min"), (9999, "2.78 h"),
     (0, "0 s"), (3e-9, "3 ns")],
)  # fmt: skip
def test_times_are_in_the_unit_that_people_read_them_in(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.036, 0.0361, "3.6"), (0.0004, 0.0226, "0.04 to 2.26"), (-0.001, 0.003, "−0.10 to 0.30"),
     (-0.02, 0.03, "−2.0 to 3.0"), (-1e-9, 0.0, "0.00")],
)  # fmt: skip
def test_the_bounds_of_an_interval_have_as_many_digits_as_tell_them_apart_from_zero(
    low: float, high: float, expected: str
) -> None:
    assert interval(low, high) == expected


def test_seeds_are_named_one_by_one_where_some_are_missing() -> None:
    assert [seeds_in_words(seeds) for seeds in ([2, 0, 1], [4], [1, 5, 9])] == ["0 to 2", "4", "1, 5 and 9"]


@pytest.mark.parametrize("span", [(0.01, 0.012), (0.9, 1.7), (1e-5, 3.0), (0.3, 3.0), (1e-9, 1e6), (5.0, 5.0)])
def test_an_axis_of_times_has_three_ticks_or_more_that_read_differently(span: tuple[float, float]) -> None:
    axis = draw.duration_axis("Time", span)
    ticks = axis["ticktext"]
    assert draw.LEAST_TICKS <= len(ticks) <= draw.MOST_TICKS
    assert len(set(ticks)) == len(ticks)
    assert all(axis["range"][0] <= np.log10(tick) <= axis["range"][1] for tick in axis["tickvals"])


@pytest.mark.parametrize(("low", "high", "digits"), [(0.2, 0.9, 0), (0.0, 0.02, 1), (0.5, 0.504, 2)])
def test_an_axis_of_shares_has_digits_enough_for_its_ticks(low: float, high: float, digits: int) -> None:
    assert draw.axis("Accuracy", low, high, is_share=True)["tickformat"] == f".{digits}%"


def figure(page: Page, section: str, caption: str) -> Figure:
    found = next(one for one in page.sections if one.id == section).content.parts
    return next(part for part in found if isinstance(part, Figure) and part.caption.startswith(caption))


def roles(page: Page, caption: str) -> set[str]:
    return {trace["meta"]["role"] for trace in figure(page, "curves", caption).plot["data"]}


def test_few_seeds_are_lines_and_many_are_bands(tmp_path: Path) -> None:
    few = assemble(Synthetic(seeds=range(4)).results(tmp_path / "few"))
    many = assemble(Synthetic(seeds=range(5)).results(tmp_path / "many"))
    one = assemble(Synthetic(seeds=[0]).results(tmp_path / "one"))
    assert [roles(page, "Accuracy, digits") for page in (few, many, one)] == [
        {"mean", "single"}, {"mean", "band", "seeds"}, {"mean"},
    ]  # fmt: skip
    assert [roles(page, "Paired difference") for page in (few, many)] == [{"mean", "single"}, {"mean", "band"}]


def test_the_lines_of_paired_differences_are_those_of_the_seeds(tmp_path: Path) -> None:
    results = Synthetic(seeds=[0, 1]).results(tmp_path)
    traces = figure(assemble(results), "curves", "Paired difference in accuracy to random").plot["data"]
    own = next(one for one in traces if one["name"] == "emoc" and one["meta"]["role"] == "single")
    table = results.rounds.pivot(index=["seed", "round"], columns="strategy", values="accuracy")
    expected = 100 * (table["emoc"] - table["random"])
    drawn = [value for value in own["y"] if value is not None]
    assert drawn == pytest.approx(expected.tolist(), abs=1e-3)
    assert own["y"].count(None) == 2


def test_the_maps_of_a_setting_share_one_scale(tmp_path: Path) -> None:
    page = assemble(Synthetic(rounds=9).results(tmp_path))
    for section in ("asked-classes", "discovered"):
        figures = [part.plot for part in page.parts if part.plot and part.id.startswith(section)]
        deepest = {trace["zmax"] for plot in figures for trace in plot["data"] if trace["type"] == "heatmap"}
        assert len(deepest - {100}) == 1


def test_the_top_says_what_the_report_is_of(tmp_path: Path) -> None:
    results = Synthetic(scenarios=("digits", "cifar100"), seeds=range(3)).results(tmp_path)
    assert about.facts(results) == {
        "data": "digits and cifar100",
        "protocol": "discovery",
        "learner": "finetune",
        "network": "cifar10-quick",
        "rounds": "6",
        "seeds": "3 (0 to 2)",
        "run": "2026-11-20",
        "albench": "0.1.0",
    }
    assert about.title(results) == "synthetic"


def test_a_study_that_only_its_preset_names_has_a_title_of_what_it_compares(tmp_path: Path) -> None:
    results = Synthetic(name="quickstart").results(tmp_path)
    assert about.title(results) == "3 strategies on digits"


def test_the_dates_of_a_study_that_took_days_are_a_span(tmp_path: Path) -> None:
    store = Synthetic(effects={"random": 0.0}).write(tmp_path)
    first = sorted(store.rglob("cell.json"))[0]
    edit_json(first, lambda record: record["provenance"].update(start="2026-11-18T10:00:00+00:00"))
    assert about.facts(collect(store))["run"] == "2026-11-18 to 2026-11-20"


def test_ticks_rise() -> None:
    for low, high in ((-2.0, 1.0), (-0.3, 0.1), (-9.0, 8.0)):
        values = draw.duration_axis("Time", [10**low, 10**high])["tickvals"]
        assert all(first < second for first, second in pairwise(values))
