"""A distribution that was written for the first version runs unchanged: a copy of the example of commit 1db8935."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import albench

COPY = Path(__file__).parent / "data" / "example_1db8935"


def test_the_first_versions_example_runs_unchanged(tmp_path: Path) -> None:
    """It stands first on the path under the name of today's example, which it hides."""
    site = tmp_path / "site"
    shutil.copytree(COPY, site)
    info = site / "albench_example-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: albench-example\nVersion: 0.1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[albench]\nalbench_example = albench_example\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}

    def call(*words: str) -> str:
        command = [sys.executable, "-m", "albench", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    where = subprocess.run(
        [sys.executable, "-c", "import albench_example; print(albench_example.__file__)"],
        capture_output=True, text=True, env=environment, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(site))
    assert "warning" not in call("list", "strategies")
    values = ["--set", "initial_iterations=20", "--set", "update_iterations=5", "--set", "set_size=5"]
    call("run", "--scenarios", "stripes", "--strategies", "least-margin[temperature=2],random", "--seeds", "2", "--rounds", "2", *values, "--store", "s")  # fmt: skip
    frame = albench.load(tmp_path / "s")
    assert set(frame.strategy) == {"least-margin[temperature=2]", "random"}
    page = (tmp_path / "s" / "report.html").read_text(encoding="utf-8")
    assert '<section id="first-discovery"' in page
    assert "is the first to find a new class on stripes" in page
    assert "all 3 components keep their contracts" in call("check", "albench_example")
