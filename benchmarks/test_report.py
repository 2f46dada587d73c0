"""The report: seconds to build it, its size, and seconds until a reader can use it in Chromium.

pytest benchmarks/test_report.py                         (about 2 minutes on two CPU cores)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from albench.plugins.host import host
from albench.reading import write_report
from benchmarks import table
from tests.conftest import PluginFolder
from tests.conftest import plugins as plugins
from tests.reports.conftest import Browser
from tests.reports.conftest import browser as browser
from tests.reports.conftest import chromium as chromium
from tests.reports.synthetic import Synthetic
from tests.reports.test_size import SNAPSHOTS, study

TITLE = "Report: seconds to build, megabytes, and seconds until it can be used in Chromium"
LARGE = {f"strategy-{place}": 0.004 * place for place in range(9)} | {"random": 0.0}
STUDIES = {
    "45 cells x 80 rounds": {},
    "45 cells x 80 rounds, images": {"scenarios": ("snapshots",)},
    "500 cells x 80 rounds": {"effects": LARGE, "seeds": range(50)},
}


@pytest.mark.parametrize("name", STUDIES)
def test_building_and_opening_the_page(
    name: str, tmp_path: Path, plugins: PluginFolder, browser: Browser, benchmark: Any
) -> None:
    plugins.install("plugin_snapshots", SNAPSHOTS)
    scenario = host().configure("scenarios", "snapshots")
    prints = {seed: scenario.fingerprint(seed) for seed in range(9)}
    made: Synthetic = study(fingerprints=prints, **STUDIES[name])
    store = made.write(tmp_path / "store")
    path = benchmark.pedantic(write_report, args=(store, tmp_path / "report.html"), rounds=1)
    page = browser.open(path).page
    ready = page.evaluate("performance.getEntriesByName('albench-interactive')[0].startTime") / 1000
    built, size = benchmark.stats.stats.mean, path.stat().st_size / 1e6
    benchmark.extra_info.update(megabytes=size, interactive_seconds=ready)
    table.add(TITLE, {"study": name, "build_s": built, "megabytes": size, "usable_s": ready})
