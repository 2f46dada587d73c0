"""The report: seconds to build it, its size, and seconds until a reader can use it in Chromium; and how report, load
and planning grow with the number of cells.

pytest benchmarks/test_report.py                         (about 6 minutes on two CPU cores)

``ALBENCH_BEFORE=FOLDER`` measures the code of another checkout in the same run, up to 1,000 cells: its own stores of
the same cells, and its report of them. ``ALBENCH_LARGE=1`` adds 100,000 cells to load.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from albench.plugins.host import host
from albench.reading import write_report
from benchmarks import scaling, stores, table
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


GROWTH = (
    "Report, load and planning by size: processor seconds, peak megabytes, power of the growth since the size before"
)
SIZES = (300, 1_000, 3_000, 10_000)
SEEDS = (10, 100, 500)  # of 35 strategies on two scenarios
MOST_BEFORE = 1_000  # cells: older code takes many minutes for more


@pytest.fixture(scope="module")
def spent() -> dict[tuple[str, int], scaling.Spent]:
    return {}


@pytest.mark.parametrize("cells", SIZES)
def test_the_growth_of_a_report(cells: int, tmp_path: Path, spent: dict[tuple[str, int], scaling.Spent]) -> None:
    store, page = stores.write(tmp_path / "store", cells), tmp_path / "report.html"
    own = scaling.cost(scaling.REPORT, [store, page])
    old = _before(scaling.REPORT, cells, tmp_path)
    _add("report", cells, own, old, spent, megabytes=page.stat().st_size / 1e6)


@pytest.mark.parametrize("cells", [*SIZES, *([100_000] if os.environ.get("ALBENCH_LARGE") else [])])
def test_the_growth_of_load(cells: int, tmp_path: Path, spent: dict[tuple[str, int], scaling.Spent]) -> None:
    own = scaling.cost(scaling.LOAD, [stores.write(tmp_path / "store", cells, rounds=10)])
    _add("load", cells, own, _before(scaling.LOAD, cells, tmp_path, rounds=10), spent)


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_growth_of_planning(seeds: int, tmp_path: Path, spent: dict[tuple[str, int], scaling.Spent]) -> None:
    own = scaling.cost(scaling.PLAN, [seeds, tmp_path / "none"])
    checkout = scaling.before()
    old = scaling.cost(scaling.PLAN, [seeds, tmp_path / "none"], checkout) if checkout else None
    _add("plan", 35 * 2 * seeds, own, old, spent)


def _before(script: str, cells: int, folder: Path, rounds: int = 20) -> scaling.Spent | None:
    checkout = scaling.before()
    if checkout is None or cells > MOST_BEFORE:
        return None
    scaling.run(scaling.STORE, [folder / "old", cells, 10, rounds], checkout)
    return scaling.cost(script, [folder / "old", folder / "old.html"], checkout)


def _add(
    verb: str,
    cells: int,
    own: scaling.Spent,
    old: scaling.Spent | None,
    spent: dict[tuple[str, int], scaling.Spent],
    megabytes: float | None = None,
) -> None:
    smaller = max((size for name, size in spent if name == verb), default=None)
    power = scaling.exponent((smaller, cells), (spent[verb, smaller].seconds, own.seconds)) if smaller else None
    spent[verb, cells] = own
    row = {"what": verb, "cells": cells, "processor_s": own.seconds, "peak_MB": own.megabytes, "power": power}
    before = (
        {"before_s": old.seconds, "before_MB": old.megabytes, "time / before": own.seconds / old.seconds} if old else {}
    )
    table.add(GROWTH, {**row, "page_MB": megabytes, **before})
