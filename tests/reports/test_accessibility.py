from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from albench.reading import write_report
from tests.reports.conftest import Browser
from tests.reports.synthetic import Synthetic

AXE = "axe-core@4.10.3"


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest) -> str:
    """The source of axe-core: from $ALBENCH_AXE, else fetched once from the npm registry."""
    given = os.environ.get("ALBENCH_AXE")
    if given:
        return Path(given).read_text(encoding="utf-8")
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir("axe")
    script = folder / "package" / "axe.min.js"
    npm = shutil.which("npm")
    if not script.exists() and npm:
        done = subprocess.run([npm, "pack", AXE, "--silent"], cwd=folder, capture_output=True, text=True, timeout=120)
        for archive in folder.glob("*.tgz") if done.returncode == 0 else ():
            with tarfile.open(archive) as packed:
                packed.extract("package/axe.min.js", folder, filter="data")
    if not script.exists():
        pytest.skip("axe-core could not be fetched from npm; give axe.min.js in ALBENCH_AXE")
    return script.read_text(encoding="utf-8")


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
    opened.page.evaluate(axe)
    found = opened.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 20
    serious = [
        (violation["id"], violation["help"], violation["nodes"][0]["html"][:200])
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]
    assert serious == []


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
