"""`albench bench` over real plugins, in processes of its own: a pytest inside a pytest would share its state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from albench.bench import Size, bench
from albench.errors import RequestError
from tests.conftest import PluginFolder

SMALL = ["--pool", 12, "--labeled", 4, "--classes", 3, "--sets", 5, "--set-size", 4, "--rounds", 2]
SCORE = "def score(self, query):\n    {}"


def albench_bench(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "albench", "bench", *map(str, [*SMALL, *words])]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}  # one process
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=300)


def test_bench_measures_installed_strategies_a_third_partys_included(tmp_path: Path, plugins: PluginFolder) -> None:
    plugins.install_strategy("brightest", SCORE.format("return query.pool.mean(dim=(1, 2, 3))"))
    file = tmp_path / "bench.json"
    done = albench_bench("--strategies", "emoc[tolerance=0],min,brightest", "--json", file)
    assert done.returncode == 0, done.stderr
    shown = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert {"emoc[tolerance=0]", "min", "brightest", "forward"} < set(shown)
    assert "plugin_brightest 1.0" in shown["brightest"]
    assert "emoc_rank=exact" in shown["emoc[tolerance=0]"]
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["machine_info"]["cpu"]
    measured = {one["extra_info"]["strategy"]: one for one in written["benchmarks"]}
    assert set(measured) == {"forward pass", "emoc[tolerance=0]", "min", "brightest"}
    assert measured["min"]["name"] == "test_score_sets[min]"
    assert measured["min"]["stats"]["rounds"] == 2
    assert measured["min"]["extra_info"]["pool"] == 12
    assert "peak_memory_bytes" in measured["min"]["extra_info"]


def test_bench_names_a_strategy_that_fails_and_measures_the_others(plugins: PluginFolder) -> None:
    plugins.install_strategy("broken", SCORE.format("raise ValueError('no luck')"))
    plugins.install_strategy("infinite", SCORE.format("return query.pool.mean(dim=(1, 2, 3)) / 0"))
    done = albench_bench("--strategies", "broken,infinite,random", "--format", "json")
    assert done.returncode == 1
    rows = {row["strategy"]: row for row in json.loads(done.stdout)}
    assert "no luck" in rows["broken"]["error"]
    assert "NaN or infinite" in rows["infinite"]["error"]
    assert rows["broken"]["seconds"] is None
    assert rows["random"]["seconds"] > 0
    assert "could not be measured: broken" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pool": 0}, "pool=0"),
        ({"set_size": 9, "pool": 8}, "set_size=9 is more than pool=8"),
        ({"rounds": 0}, "rounds=0"),
    ],
)
def test_bench_refuses_a_size_that_makes_no_query(changed: dict[str, int], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        bench("random", Size(**changed))


def test_bench_refuses_an_unknown_strategy_and_an_absent_folder_before_it_measures(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="did you mean 'emoc'"):
        bench("emocc")
    with pytest.raises(RequestError, match="there is no folder"):
        bench("random", json_file=tmp_path / "absent" / "bench.json")
