from __future__ import annotations

from pathlib import Path

import pytest

from albench.reading import write_report
from tests.reports.conftest import Browser
from tests.reports.synthetic import Synthetic


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("accessibility")
    study = Synthetic(
        effects={"emoc": 0.03, "emoc[output=softmax]": 0.02, "random": 0.0},
        missing={("emoc", 2): "ValueError: boom"},
    )
    written = write_report(study.write(folder / "store"), folder / "report.html")
    assert written is not None
    return written


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_serious(path: Path, browser: Browser, axe: str, scheme: str, width: int) -> None:
    opened = browser.open(path, color_scheme=scheme, viewport={"width": width, "height": 900})
    assert opened.serious_faults(axe, least=20) == []


def test_the_page_has_its_landmarks_headings_and_table_semantics(path: Path, browser: Browser) -> None:
    page = browser.open(path).page
    for landmark in ("header", "nav", "main", "footer"):
        assert page.locator(f"body > {landmark}").count() == 1
    assert page.locator("h1").count() == 1
    assert page.locator("html[lang=en]").count() == 1
    for table in page.locator("table:visible").all():
        assert table.locator("caption").count() == 1
        assert table.locator("thead th[scope=col]").count() > 0
    assert page.locator("#leaderboard tbody th[scope=row]").count() > 0


def test_the_first_press_of_tab_offers_to_skip_to_the_results(path: Path, browser: Browser) -> None:
    page = browser.open(path).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    assert page.locator(".skip").bounding_box()["x"] > 0
