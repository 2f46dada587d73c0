"""What a reader does with the page, in a real browser without a network."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from albench.reading import write_report
from tests.reports.conftest import Browser, Opened
from tests.reports.synthetic import Synthetic

VARIANT = "emoc[output=softmax]"
EFFECTS = {"emoc": 0.06, "min": 0.03, VARIANT: 0.02, "random": 0.0}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interaction")
    study = Synthetic(effects=EFFECTS, scenarios=("digits", "cifar100"), seeds=range(5), noise=0.002)
    written = write_report(study.write(folder / "store"), folder / "report.html")
    assert written is not None
    return written


@pytest.fixture
def opened(path: Path, browser: Browser) -> Iterator[Opened]:
    page = browser.open(path)
    yield page
    page.assert_quiet()


def wait(opened: Opened) -> None:
    opened.page.wait_for_selector("html[data-figures=drawn]", state="attached")


def board(opened: Opened) -> list[str]:
    """The strategies of the first visible leaderboard, from top to bottom."""
    return opened.texts("#leaderboard .part.table:visible >> nth=0 >> tbody th")


def choose(opened: Opened, section: str, name: str, value: str) -> None:
    opened.page.locator(f"#{section} select[data-choice='{name}']").select_option(value)
    wait(opened)


def drawn_names(opened: Opened, caption: str) -> set[str]:
    """The strategies whose traces are visible in the figure of that caption."""
    figure = opened.page.locator(".part.figure:visible", has_text=re.compile(rf"^\s*{re.escape(caption)}"))
    script = "plot => plot.data.filter(t => t.visible !== false && t.legendgroup).map(t => t.legendgroup)"
    return set(figure.locator(".plot").evaluate(script))


def download(opened: Opened, button: Any) -> tuple[str, str]:
    with opened.page.expect_download() as waiting:
        button.click()
    return waiting.value.suggested_filename, waiting.value.path().read_text(encoding="utf-8")


def test_a_click_on_a_heading_sorts_and_another_turns_it(opened: Opened) -> None:
    assert board(opened) == ["emoc", "min", VARIANT, "random"]
    heading = opened.page.locator("#leaderboard .part.table:visible >> nth=0 >> th[data-name=accuracy_area]")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert board(opened) == ["random", VARIANT, "min", "emoc"]


def test_a_table_is_sorted_by_keyboard_and_what_is_missing_stays_last(opened: Opened) -> None:
    heading = opened.page.locator("#leaderboard .part.table:visible >> nth=0 >> th[data-name=accuracy_difference]")
    for _ in range(2):
        heading.locator("button").focus()
        opened.page.keyboard.press("Enter")
        assert board(opened)[-1] == "random"
    assert heading.get_attribute("aria-sort") == "ascending"
    assert board(opened)[0] == VARIANT


def test_variants_of_a_strategy_are_brought_together(opened: Opened) -> None:
    button = opened.page.locator("#leaderboard button[data-bring-together]:visible >> nth=0")
    button.click()
    assert board(opened) == ["emoc", VARIANT, "min", "random"]
    button.click()
    assert board(opened) == ["emoc", "min", VARIANT, "random"]


def test_the_reference_is_chosen_once_for_the_whole_page(opened: Opened) -> None:
    choose(opened, "leaderboard", "reference", "min")
    assert "compared with min" in opened.texts("#leaderboard caption:visible")[0]
    assert opened.page.locator("#curves select[data-choice=reference]").input_value() == "min"
    assert "Paired difference in accuracy to min, digits" in opened.texts("#curves figcaption:visible")
    assert "digits: paired tests against min" in opened.texts("#significance caption:visible")
    row = opened.page.locator("#leaderboard .part.table:visible >> nth=0 >> tbody tr", has_text="random")
    assert float(row.locator("[data-value]").nth(4).get_attribute("data-value")) < 0


def test_the_target_chooser_shows_the_labels_to_another_accuracy(opened: Opened) -> None:
    chooser = opened.page.locator("#targets select[data-choice=target]")
    offered = chooser.locator("option").all_inner_texts()
    shown = []
    for target in offered:
        choose(opened, "targets", "target", target)
        none = f"digits has no labels to {target}"
        shown.append(f"Labels to {target}, digits: one mark a seed" in opened.texts("#targets figcaption:visible"))
        assert shown[-1] != any(text.startswith(none) for text in opened.texts("#targets p:visible"))
    assert sum(shown) >= 3


def test_the_seed_chooser_shows_what_another_seed_asked(opened: Opened) -> None:
    choose(opened, "asked-classes", "seed", "2")
    assert "Classes that emoc asked for, digits, seed 2" in opened.texts("#asked-classes figcaption:visible")
    assert not any("seed 0" in text for text in opened.texts("#asked-classes figcaption:visible"))


def test_the_legend_switches_a_strategy_off_in_all_figures_and_on_again(opened: Opened) -> None:
    button = opened.page.locator("button[data-strategy='min']")
    captions = [
        "Accuracy, digits",
        "Classes the network knows, digits",
        "Paired difference in accuracy to random, digits",
    ]
    button.click()
    wait(opened)
    assert button.get_attribute("aria-pressed") == "false"
    for caption in captions:
        assert drawn_names(opened, caption) and "min" not in drawn_names(opened, caption)  # noqa: PT018
    assert "Classes that min asked for, digits, seed 0" not in opened.texts("#asked-classes figcaption:visible")
    button.click()
    wait(opened)
    for caption in captions:
        assert "min" in drawn_names(opened, caption)


def test_of_many_strategies_figures_begin_with_the_reference_and_those_that_lead(
    tmp_path: Path, browser: Browser
) -> None:
    effects = {"random": 0.0, **{f"s{place}": 0.01 * place for place in range(1, 12)}}
    path = write_report(Synthetic(effects=effects, noise=0.0001).write(tmp_path / "store"))
    assert path is not None
    opened = browser.open(path)
    leading = {"random", *(f"s{place}" for place in range(5, 12))}
    assert drawn_names(opened, "Accuracy, digits") == leading
    assert set(board(opened)) == set(effects)
    for show, wanted in {"all": set(effects), "first": leading}.items():
        opened.page.locator(f"button[data-show={show}]").click()
        wait(opened)
        assert drawn_names(opened, "Accuracy, digits") == wanted
    shown = opened.page.locator("button[data-strategy][aria-pressed=true] line")
    lines = [(line.get_attribute("stroke"), line.get_attribute("stroke-dasharray")) for line in shown.all()]
    assert len(set(lines)) == len(lines) == len(leading)


def test_one_button_switches_all_variants_of_a_strategy(opened: Opened) -> None:
    family = opened.page.locator("button[data-family]")
    assert family.inner_text() == "emoc, 2 variants"
    family.click()
    wait(opened)
    assert drawn_names(opened, "Accuracy, digits") == {"min", "random"}
    family.click()
    wait(opened)
    assert drawn_names(opened, "Accuracy, digits") == set(EFFECTS)


def test_curves_are_drawn_over_rounds_when_asked(opened: Opened) -> None:
    opened.page.locator("#curves select[data-axis]").select_option("Round")
    wait(opened)
    plot = opened.page.locator("#curves .plot:visible >> nth=0")
    assert plot.evaluate("plot => plot.layout.xaxis.title.text") == "Round"
    assert plot.evaluate("plot => Math.max(...plot.data.at(-1).x)") == 6


def test_single_seeds_are_shown_on_demand(opened: Opened) -> None:
    script = "plot => plot.data.filter(t => t.meta?.role === 'seeds' && t.visible).length"
    plot = opened.page.locator("#curves .plot:visible >> nth=0")
    assert plot.evaluate(script) == 0
    opened.page.locator("#curves button[data-seeds]").click()
    wait(opened)
    assert plot.evaluate(script) == len(EFFECTS)


def test_the_page_can_be_made_dark_and_follows_the_system_before(path: Path, browser: Browser) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = browser.open(path, color_scheme="dark")
    assert dark.page.evaluate(ground) == "rgb(20, 23, 28)"
    light = browser.open(path)
    assert light.page.evaluate(ground) == "rgb(255, 255, 255)"
    light.page.locator("#theme").click()
    assert light.page.evaluate(ground) == "rgb(20, 23, 28)"
    ink = "getComputedStyle(document.querySelector('.plot:not([hidden]) .xtick text')).fill"
    assert light.page.evaluate(ink) == "rgb(231, 234, 239)"
    light.page.locator("#theme").click()
    assert light.page.evaluate(ground) == "rgb(255, 255, 255)"


def test_a_table_downloads_as_csv_with_unrounded_numbers_and_bounds(opened: Opened) -> None:
    name, text = download(opened, opened.page.locator("#leaderboard .part.table:visible >> nth=0 >> button[data-csv]"))
    rows = list(csv.DictReader(StringIO(text)))
    assert name == "leaderboard-7.csv"  # the fourth reference's table, each with its figure
    assert [row["strategy"] for row in rows] == ["emoc", "min", VARIANT, "random"]
    first = rows[0]
    middle = (float(first["accuracy_difference_low"]) + float(first["accuracy_difference_high"])) / 2
    assert float(first["accuracy_difference"]) == pytest.approx(middle)
    assert len(first["accuracy_area"]) > 8
    assert rows[-1]["accuracy_difference"] == ""


def test_a_figure_downloads_as_svg_with_its_legend(opened: Opened) -> None:
    name, text = download(opened, opened.page.locator("#curves button[data-svg]:visible >> nth=0"))
    assert name.endswith(".svg")
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = " ".join(root.itertext())
    for strategy in EFFECTS:
        assert strategy in words


def test_a_figure_downloads_as_csv(opened: Opened) -> None:
    _, text = download(opened, opened.page.locator("#curves .figure button[data-csv]:visible >> nth=0"))
    rows = list(csv.DictReader(StringIO(text)))
    means = [row for row in rows if row["role"] == "mean" and row["trace"] == VARIANT]
    assert [int(row["x"]) for row in means] == [100, 105, 110, 115, 120, 125, 130]


def test_a_heat_map_downloads_as_csv(opened: Opened) -> None:
    part = opened.page.locator("#discovered .part.figure:visible", has_text="Accuracy of each class")
    _, text = download(opened, part.locator("button[data-csv]"))
    rows = list(csv.DictReader(StringIO(text)))
    assert len(rows) == 10 * len(EFFECTS)
    assert all(0 <= float(row["z"]) <= 100 for row in rows)


def test_a_confusion_is_drawn_when_it_is_unfolded(opened: Opened) -> None:
    part = opened.page.locator("#discovered .part.figure:visible", has_text="Confusion of min")
    assert part.locator(".main-svg").count() == 0
    part.locator("details.folded > summary").click()
    part.locator(".main-svg").first.wait_for()


def test_a_link_to_a_section_leads_there(path: Path, browser: Browser) -> None:
    opened = browser.open(path)
    links = opened.page.locator("nav a")
    for place in range(links.count()):
        target = links.nth(place).get_attribute("href")
        assert opened.page.locator(f"section{target}").count() == 1
    opened.page.goto(path.as_uri() + "#cost")
    wait(opened)
    assert opened.page.locator("#cost").bounding_box()["y"] < 900


def test_a_table_that_goes_on_says_so_until_its_end_is_reached(path: Path, browser: Browser) -> None:
    narrow = browser.open(path, viewport={"width": 360, "height": 800})
    table = narrow.page.locator("#leaderboard .part.table:visible >> nth=0")
    box, hint = table.locator(".scroll"), table.locator(".goes-on")
    assert box.get_attribute("data-more") == "right"
    assert hint.is_visible()
    box.focus()
    narrow.page.keyboard.press("ArrowRight")
    narrow.page.wait_for_selector("#leaderboard .scroll[data-more=both]")
    box.evaluate("box => box.scrollTo(box.scrollWidth, 0)")
    narrow.page.wait_for_selector("#leaderboard .scroll[data-more=left]")
    wide = browser.open(path, viewport={"width": 1800, "height": 800})
    assert wide.page.locator("#cost .part.table:visible >> nth=0 >> .scroll").get_attribute("data-more") == ""
    assert not wide.page.locator("#cost .goes-on >> nth=0").is_visible()


def test_at_360_pixels_nothing_is_wider_than_the_page(path: Path, browser: Browser) -> None:
    opened = browser.open(path, viewport={"width": 360, "height": 800})
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 360
    widths = opened.page.locator(".plot:visible .main-svg").evaluate_all("all => all.map(one => one.clientWidth)")
    assert widths
    assert max(widths) <= 360
    opened.assert_quiet()


def test_it_prints_to_a_pdf_with_every_figure_as_wide_as_its_column(path: Path, browser: Browser) -> None:
    opened = browser.open(path, color_scheme="dark")
    pdf = opened.page.pdf(format="A4", print_background=True)
    assert pdf.startswith(b"%PDF")
    assert 3 < len(re.findall(rb"/Type\s*/Page\b", pdf)) < 30
    opened.page.emulate_media(media="print")
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    widths = opened.page.locator(".plot:visible .main-svg").evaluate_all("all => all.map(one => one.clientWidth)")
    assert set(widths) == {325, 670}
    opened.assert_quiet()


def test_every_figure_has_words_for_who_cannot_see_it(opened: Opened) -> None:
    for plot in opened.page.locator(".plot:visible").all():
        label = plot.get_attribute("aria-label")
        assert plot.get_attribute("role") == "img"
        assert len(label) > 30
        assert "nan" not in label.lower()
