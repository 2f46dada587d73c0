from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from albench.reading import write_report
from tests.conftest import PluginFolder
from tests.reports.conftest import Browser
from tests.reports.synthetic import Synthetic

HOSTILE = "<img src=x onerror=document.title='hacked'></script><script>document.title='hacked'</script>\"'&amp;"


def report(study: Synthetic, folder: Path) -> Path:
    """Write a store and its report the way the command line does."""
    path = write_report(study.write(folder / "store"), folder / "report.html")
    assert path is not None
    return path


def test_the_page_draws_every_figure_offline_without_a_request_or_a_word_on_the_console(
    tmp_path: Path, browser: Browser
) -> None:
    opened = browser.open(report(Synthetic(), tmp_path))
    shown = opened.page.locator(".plot:visible")
    assert shown.count() >= 4
    assert shown.locator(".main-svg .scatterlayer .trace").count() > 2 * shown.count()
    assert shown.locator(".main-svg .heatmaplayer image").count() > 3
    assert opened.page.locator(".plot:visible:not(.js-plotly-plot)").count() == 0
    opened.assert_quiet()


def test_the_same_store_gives_the_same_bytes(tmp_path: Path) -> None:
    study = Synthetic()
    store = study.write(tmp_path / "store")
    for name in ("a.html", "b.html"):
        write_report(store, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_the_plotting_library_is_in_the_page_once_and_compressed(tmp_path: Path) -> None:
    text = report(Synthetic(scenarios=("digits", "cifar100")), tmp_path).read_text(encoding="utf-8")
    assert text.count('id="packed-plotly"') == 1
    assert "plotly.js v" not in text
    assert len(text) < 4_000_000


def test_a_hostile_name_is_text_and_nothing_else(tmp_path: Path, browser: Browser) -> None:
    study = Synthetic(
        name=f"study {HOSTILE}",
        effects={"random": 0.0, f"emoc[note={HOSTILE}]": 0.02},
        scenarios=(f"digits[of={HOSTILE}]",),
        class_names=[f"{HOSTILE} {place}" for place in range(10)],
        missing={("random", 2): f"ValueError: {HOSTILE}"},
    )
    opened = browser.open(report(study, tmp_path))
    assert opened.page.title() == f"study {HOSTILE} · albench report"
    assert opened.page.locator("img[src=x]").count() == 0
    assert HOSTILE in opened.page.locator("h1").inner_text()
    assert any(HOSTILE in text for text in opened.texts(".table th[scope=row]"))
    opened.assert_quiet()


def test_characters_that_act_on_the_text_around_them_are_replaced(tmp_path: Path) -> None:
    acting = "a\u202eb\x1b[31m\x07c"
    study = Synthetic(
        name=f"study {acting}",
        effects={"random": 0.0, f"emoc[note={acting}]": 0.02},
        missing={("random", 2): f"ValueError: half a pair \ud800 {acting}"},
    )
    store = study.write(tmp_path / "store")
    for name in ("report.html", "report.csv", "report.md"):
        path = write_report(store, tmp_path / name, Path(name).suffix[1:])
        assert path is not None
        text = path.read_bytes().decode("utf-8")
        assert "emoc[note=a\ufffdb\ufffd[31m\ufffdc]" in text.replace("\\", "")
        assert not set("\u202e\x1b\x07") & set(text)


def test_no_script_but_the_pages_own_can_run(tmp_path: Path, browser: Browser) -> None:
    opened = browser.open(report(Synthetic(), tmp_path))
    opened.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"document.title=1\">')"
    )
    opened.page.wait_for_timeout(200)
    assert opened.page.title() == "synthetic · albench report"
    assert any("Content Security Policy" in said for said in opened.console)


def test_a_browser_that_cannot_unpack_says_so_and_keeps_the_tables(tmp_path: Path, browser: Browser) -> None:
    path = report(Synthetic(), tmp_path)
    opened = browser.open(path, wait=False, script="delete window.DecompressionStream")
    assert "cannot unpack the figures" in opened.texts(".plot:visible")[0]
    assert opened.texts("#leaderboard .part:visible tbody th")[0] == "emoc"
    opened.assert_quiet()


def test_a_section_that_raises_becomes_a_note_in_its_place(
    tmp_path: Path, plugins: PluginFolder, browser: Browser
) -> None:
    source = """
from dataclasses import dataclass
import albench
@albench.hookimpl
def albench_report_sections():
    return {"broken": "plugin_broken:Broken", "absent": "plugin_broken:Nowhere"}
@dataclass(frozen=True)
class Broken(albench.ReportSection):
    title = "My own"
    order = 150
    def compute(self, results):
        return {}
    def draw(self, frames, results):
        raise ValueError("<b>no luck</b>")
"""
    plugins.install("plugin_broken", source)
    opened = browser.open(report(Synthetic(), tmp_path))
    failures = opened.texts(".failure")
    assert failures[0] == "The section 'broken' could not be made: ValueError: <b>no luck</b>"
    assert "'absent' could not be made" in failures[1]
    assert opened.texts("main h2")[:3] == ["Leaderboard", "My own", "Learning curves"]
    assert failures[0] in opened.texts(".warnings li")
    opened.assert_quiet()


@pytest.mark.parametrize(
    ("study", "expected"),
    [
        (Synthetic(effects={"random": 0.0}, seeds=[0], missing={("random", 0): ""}), "No cell has finished yet"),
        (Synthetic(seeds=[0]), "from one paired seed, which gives no interval"),
        (Synthetic(missing={("emoc", 1): "ValueError: boom"}), "8 of 9 cells; 1 failed: digits / emoc / seed 1 (Value"),
    ],
    ids=["nothing finished", "one seed", "a failed cell"],
)
def test_what_limits_the_results_is_said_in_words(
    study: Synthetic, expected: str, tmp_path: Path, browser: Browser
) -> None:
    opened = browser.open(report(study, tmp_path))
    assert expected in opened.page.locator("body").inner_text()
    opened.assert_quiet()


def test_every_scenario_has_its_own_leaderboard_and_curves(tmp_path: Path, browser: Browser) -> None:
    opened = browser.open(report(Synthetic(scenarios=("digits", "cifar100")), tmp_path))
    assert len(opened.texts("#leaderboard caption:visible")) == 2
    assert opened.texts("#curves figcaption:visible")[0] == "Accuracy, digits"
    opened.page.locator("#curves select[data-choice=setting]").select_option("cifar100")
    assert opened.texts("#curves figcaption:visible")[0] == "Accuracy, cifar100"
    opened.page.wait_for_selector("html[data-figures=drawn]", state="attached")
    assert opened.page.locator(".plot:visible:not(.js-plotly-plot)").count() == 0
    opened.assert_quiet()


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    heavy = "plotly|pandas|scipy|torch|jinja2|numpy"
    code = f"import albench_reports, sys, re; print([m for m in sys.modules if re.fullmatch('{heavy}', m)])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_page_names_no_address_that_a_browser_would_load(tmp_path: Path) -> None:
    text = report(Synthetic(), tmp_path).read_text(encoding="utf-8")
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    addresses = re.findall(r'(?:src|href)="([^"]*)"', markup)
    assert addresses
    assert [address for address in addresses if not address.startswith(("#", "data:"))] == []
