"""Results of which little can be said: the page says that, and nothing else."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from albench.contracts.report import Figure
from albench.reading import write_report
from albench.store.results import collect
from albench_reports.page.assemble import Page, assemble
from albench_reports.page.html import render
from tests.conftest import edit_rows
from tests.reports.conftest import Browser
from tests.reports.synthetic import Synthetic

ODD = re.compile(
    r"\bnan\b|\binf\b|\bNone\b|\d(\.\d+)?e-\d"  # what is no number for a reader
    r"|(?<![Oo]f )\b1 (seeds|cells|rounds|pairs|classes|images|comparisons|strategies|threads)\b"
)
OWN = ("curves", "discovered", "asked", "asked-classes", "cost", "trust")
EVERYWHERE = {(name, seed): "ValueError: boom" for name in ("emoc", "min", "random") for seed in range(3)}


def constant(value: float, strategy: str = "emoc") -> Callable[[dict[str, Any]], object]:
    """An edit that makes every accuracy of a strategy one value."""

    def edit(row: dict[str, Any]) -> None:
        if strategy in {row["strategy"], ""}:
            row.update(accuracy=value, accuracy_known=value, accuracy_novel=value)

    return edit


def noted(**notes: object) -> Callable[[dict[str, Any]], object]:
    return lambda row: row.update(notes=notes)


THIN: Mapping[str, tuple[Synthetic, Callable[[dict[str, Any]], object] | None, str]] = {
    "one seed": (Synthetic(seeds=[0]), None, "3 of 3 cells"),
    "one strategy": (Synthetic(effects={"random": 0.0}), None, "3 of 3 cells"),
    "one cell": (Synthetic(effects={"random": 0.0}, seeds=[0], rounds=1), None, "1 of 1 cell."),
    "all failed": (Synthetic(missing=EVERYWHERE), None, "0 of 9 cells; 9 failed: digits / emoc / seed 0"),
    "equal curves": (Synthetic(effects={"emoc": 0.0, "random": 0.0}, noise=0.0), None, "its band holds zero"),
    "never right": (Synthetic(), constant(0.0), "emoc 0.0%"),
    "always right": (Synthetic(), constant(1.0), "emoc 100.0%"),
    "all never right": (Synthetic(), constant(0.0, ""), "emoc 0.0%"),
    "notes without a number": (Synthetic(), noted(approximation=None, warning=None), "approximates its scores."),
}


def written(page: Page) -> str:
    """Every word of the page, and of what its own sections show on demand."""
    assert [section.failure for section in page.sections if section.failure] == []
    markup = re.sub(r"<script.*?</script>|<style.*?</style>", "", render(page), flags=re.DOTALL)
    own = [part.part for section in page.sections if section.id in OWN for part in section.parts]
    words = [html.unescape(re.sub(r"<[^>]+>", " ", markup))]
    return "\n".join([*words, *(f"{part.caption} {part.summary}" for part in own if isinstance(part, Figure))])


@pytest.mark.parametrize(("study", "edit", "expected"), THIN.values(), ids=THIN)
def test_thin_results_make_a_whole_page_of_words_and_numbers(
    study: Synthetic, edit: Callable[[dict[str, Any]], object] | None, expected: str, tmp_path: Path
) -> None:
    store = study.write(tmp_path)
    for path in store.rglob("rounds.jsonl") if edit else ():
        edit_rows(path, edit)
    page = assemble(collect(store))
    text = written(page)
    assert expected in text
    assert ODD.search(text) is None
    json.dumps(page.figures, allow_nan=False)


@pytest.mark.slow
def test_two_hundred_strategies_make_a_page_whose_every_table_holds_all(tmp_path: Path) -> None:
    study = Synthetic(effects={f"s{place}": 0.0 for place in range(200)}, seeds=[0], rounds=1, outcomes=False)
    page = assemble(study.results(tmp_path))
    assert [section.failure for section in page.sections if section.failure] == []
    assert len(page.looks) == 200
    assert len(page.hidden) == 192
    costs = next(part.grid for part in page.parts if part.id == "cost-1")
    assert costs is not None
    assert len(costs.rows) == 200


def test_names_that_look_like_markup_are_shown_as_they_were_written(tmp_path: Path, browser: Browser) -> None:
    names = ["&lt;b&gt;", "<b>", "random"]
    path = write_report(Synthetic(effects=dict.fromkeys(names, 0.0)).write(tmp_path / "s"), tmp_path / "report.html")
    assert path is not None
    opened = browser.open(path)
    assert set(opened.texts("#leaderboard tbody th:visible")) == set(names)
    assert set(opened.texts(".legend button[data-strategy]")) == set(names)
    ticks = opened.page.locator("#leaderboard .ytick text").all_text_contents()
    assert {text.strip() for text in ticks} == {"&lt;b&gt;", "<b>"}
    opened.assert_quiet()
