"""Settings of which some have not what a section needs: what is chosen on the page, and what such a section shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from albench.reading import write_report
from tests.reports.conftest import Browser, Opened
from tests.reports.synthetic import Synthetic

TOP_K = "top-k[query_size=5]"


def opened(folder: Path, browser: Browser, scenarios: tuple[str, ...], protocols: tuple[str, ...]) -> Opened:
    study = Synthetic(scenarios=scenarios, protocols=protocols)
    written = write_report(study.write(folder / "store"), folder / "report.html")
    assert written is not None
    return browser.open(written)


def choose(page: Opened, section: str, value: str) -> None:
    page.page.locator(f"#{section} select[data-choice=setting]").select_option(value)
    page.page.wait_for_selector("html[data-figures=drawn]", state="attached")


def shown(page: Opened, section: str) -> str:
    return " ".join(page.texts(f"#{section} figcaption:visible"))


def test_a_section_that_does_not_offer_what_is_chosen_shows_the_first_setting_that_it_does(
    tmp_path: Path, browser: Browser
) -> None:
    page = opened(tmp_path, browser, ("digits", "cifar100"), (TOP_K, "discovery"))
    chooser = page.page.locator("#asked-classes select[data-choice=setting]")
    first, second = chooser.locator("option").all_inner_texts()
    assert chooser.input_value() == first
    assert first in shown(page, "asked-classes")
    elsewhere = page.page.locator("#cost select[data-choice=setting]")
    assert TOP_K.partition("[")[0] in elsewhere.input_value()
    choose(page, "cost", second)
    assert chooser.input_value() == second
    assert second in shown(page, "asked-classes")
    choose(page, "cost", elsewhere.locator("option").all_inner_texts()[0])
    assert chooser.input_value() == first
    assert first in shown(page, "asked-classes")
    choose(page, "asked-classes", second)
    assert elsewhere.input_value() == second
    page.assert_quiet()


@pytest.mark.parametrize("protocols", [(TOP_K, "discovery"), ("discovery", TOP_K)])
def test_a_section_of_one_setting_shows_it_whatever_is_chosen_elsewhere(
    protocols: tuple[str, str], tmp_path: Path, browser: Browser
) -> None:
    page = opened(tmp_path, browser, ("digits",), protocols)
    assert page.page.locator("#asked-classes select[data-choice=setting]").count() == 0
    for value in page.page.locator("#cost select[data-choice=setting] option").all_inner_texts():
        choose(page, "cost", value)
        assert "digits / discovery" in shown(page, "asked-classes")
    page.assert_quiet()
