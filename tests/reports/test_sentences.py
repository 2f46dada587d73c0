"""Sentences and warnings that depend on what a reader chooses."""

from __future__ import annotations

from pathlib import Path

from albench.reading import write_report
from tests.conftest import PluginFolder
from tests.reports.conftest import Browser, Opened
from tests.reports.synthetic import Synthetic

SECTION = """
from dataclasses import dataclass
import albench
@albench.hookimpl
def albench_report_sections():
    return {"said": "plugin_said:Said"}
@dataclass(frozen=True)
class Said(albench.ReportSection):
    title = "Said"
    order = ORDER
    def compute(self, results):
        return {}
    def draw(self, frames, results):
        sentences = [
            albench.Note(f"Compared with {name} & <b>others</b>.", {"reference": name}) for name in results.strategies
        ]
        warnings = ["Always a limit.", albench.Note("min is thin.", {"reference": "min"})]
        return albench.Content("What always holds.", [], warnings, sentences=sentences)
"""


def opened(order: int, folder: Path, plugins: PluginFolder, browser: Browser) -> Opened:
    plugins.install("plugin_said", SECTION.replace("ORDER", str(order)))
    written = write_report(Synthetic(seeds=range(7)).write(folder / "store"), folder / "report.html")
    assert written is not None
    return browser.open(written)


def test_the_sentences_on_top_follow_the_reference_that_is_chosen_anywhere(
    tmp_path: Path, plugins: PluginFolder, browser: Browser
) -> None:
    page = opened(1, tmp_path, plugins, browser)
    assert page.texts(".headline:visible") == ["What always holds.", "Compared with random & <b>others</b>."]
    page.page.locator("#curves select[data-choice=reference]").select_option("min")
    assert page.texts(".headline:visible") == ["What always holds.", "Compared with min & <b>others</b>."]
    page.assert_quiet()


def test_warnings_and_the_sentences_of_a_section_follow_the_reference(
    tmp_path: Path, plugins: PluginFolder, browser: Browser
) -> None:
    page = opened(150, tmp_path, plugins, browser)
    assert page.texts("#said .sentence:visible") == ["What always holds.", "Compared with random & <b>others</b>."]
    assert "min is thin." not in page.texts(".warnings li:visible")
    page.page.locator("#said select[data-choice=reference]").select_option("min")
    assert page.texts("#said .sentence:visible") == ["What always holds.", "Compared with min & <b>others</b>."]
    assert {"Always a limit.", "min is thin."} <= set(page.texts(".warnings li:visible"))
    page.assert_quiet()
