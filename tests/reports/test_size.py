"""The page is small enough to be sent by mail, whatever the study."""

from __future__ import annotations

from pathlib import Path

import pytest

from albench.plugins.host import host
from albench.reading import write_report
from tests.conftest import PluginFolder
from tests.reports.conftest import Browser
from tests.reports.synthetic import Synthetic

PAPER = {"emoc": 0.03, "min": 0.01, "1vs2": 0.008, "max": -0.02, "random": 0.0}
NAMES = [f"class {place}" for place in range(20)]
SNAPSHOTS = """
from dataclasses import dataclass
from functools import cache
import numpy as np
import albench

@albench.hookimpl
def albench_scenarios():
    return {"snapshots": "plugin_snapshots:Snapshots"}

@dataclass(frozen=True)
class Snapshots(albench.Scenario):
    '''4,000 colour images of 32 x 32 pixels with the spectrum of photographs and some sensor noise.'''

    def split(self, seed):
        return _split(seed)

@cache
def _split(seed):
    draws = np.random.default_rng(seed)
    y, x = np.meshgrid(np.fft.fftfreq(32), np.fft.fftfreq(32), indexing="ij")
    spectrum = 1 / np.maximum(np.hypot(x, y), 1 / 32)
    waves = np.fft.fft2(draws.normal(size=(4000, 3, 32, 32))) * spectrum
    images = np.fft.ifft2(waves).real
    images = 128 + 45 * images / images.std() + draws.normal(0, 6, size=images.shape)
    labels = np.arange(4000) % 20
    rows = np.arange(4000)
    return albench.Split(
        images.clip(0, 255).astype(np.uint8), labels, rows[labels < 10][:100], rows[200:2300], rows[3000:],
        [f"class {place}" for place in range(20)], list(range(10)),
    )
"""


@pytest.fixture
def snapshots(plugins: PluginFolder) -> dict[int, str]:
    """Install the scenario and return the fingerprints of its first nine seeds."""
    plugins.install("plugin_snapshots", SNAPSHOTS)
    scenario = host().configure("scenarios", "snapshots")
    return {seed: scenario.fingerprint(seed) for seed in range(9)}


def study(**changes: object) -> Synthetic:
    settings = {"effects": PAPER, "seeds": range(9), "rounds": 80, "set_size": 25, "class_names": NAMES, "noise": 0.01}
    return Synthetic(**{**settings, **changes})  # type: ignore[arg-type]


def test_a_page_of_the_papers_study_without_images_is_under_4_megabytes(tmp_path: Path) -> None:
    path = write_report(study().write(tmp_path / "store"), tmp_path / "report.html")
    assert path is not None
    assert path.stat().st_size < 4_000_000


@pytest.mark.slow
def test_with_images_it_is_under_8_megabytes_and_every_picture_is_there(
    tmp_path: Path, snapshots: dict[int, str], browser: Browser
) -> None:
    with_images = study(scenarios=("snapshots",), fingerprints=snapshots)
    path = write_report(with_images.write(tmp_path / "store"), tmp_path / "report.html")
    assert path is not None
    assert 3_000_000 < path.stat().st_size < 8_000_000
    opened = browser.open(path)
    for seed in range(9):
        opened.page.locator("#asked select[data-choice=seed]").select_option(str(seed))
        images = opened.page.locator("#asked img:visible")
        opened.page.wait_for_function("Array.from(document.images).every(one => one.complete)")
        widths = images.evaluate_all("all => all.map(one => one.naturalWidth)")
        assert widths == [8 * 32 + 7 * 2] * 5 * 8
    opened.assert_quiet()
