"""The kit for GPUs: its dry form runs every section, limits cut, and what it writes carries no dry number."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from benchmarks.on_gpu import environment, gpu_tests
from benchmarks.on_gpu import record as records
from benchmarks.on_gpu.products import SHAPES
from benchmarks.on_gpu.tiles import TRIED, configurations, interleaved
from docs import generate_gpu
from docs.gpu_tables import measured_text

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gpu") / "gpu-dry.json"
    command = [sys.executable, "benchmarks/gpu.py", "--dry", "--configurations", "1", "--output", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{path.read_text() if path.exists() else ''}"
    return path


def rows_of(content: dict[str, Any], section: str) -> list[dict[str, Any]]:
    return content["sections"][section]["rows"]


def test_a_dry_run_has_rows_of_every_section_and_says_that_it_is_dry(dry: Path) -> None:
    content = json.loads(dry.read_text())
    assert content["dry"] is True
    assert content["seconds"] < content["limit_seconds"]
    assert list(content["sections"]) == [section.name for section in records.SECTIONS]
    assert {section["state"] for section in content["sections"].values()} == {"done"}
    assert all(rows_of(content, name) for name in content["sections"] if name != "sweep")
    errors = [row for name in content["sections"] for row in rows_of(content, name) if row.get("error")]
    assert errors == []


def test_a_dry_run_holds_the_kernel_against_float64_and_compiles_it_for_three_architectures(dry: Path) -> None:
    content = json.loads(dry.read_text())
    kernels = [row for row in rows_of(content, "products") if row["method"] == "kernel"]
    assert {row["precision"] for row in kernels} == {"fp32", "tf32", "bf16"}
    assert all(row["repeats_bitwise"] for row in kernels)
    assert all(row["largest_relative_error"] < (2e-2 if row["precision"] == "bf16" else 2e-6) for row in kernels)
    assert {row["architecture"] for row in rows_of(content, "ahead")} == {80, 90, 100}
    assert all(row["fits"] and row["spilled_bytes"] == 0 for row in rows_of(content, "ahead"))


def test_a_dry_run_repeats_queries_trainings_and_cells_bit_for_bit(dry: Path) -> None:
    content = json.loads(dry.read_text())
    exact = [row for row in rows_of(content, "queries") if row["path"] == "exact"]
    assert len(exact) == 4
    assert all(row["repeats_bitwise"] and row["rms_relative_error"] < 1e-5 for row in exact)
    assert all(row["repeats_bitwise"] for row in rows_of(content, "training"))
    one, together = rows_of(content, "cells")
    assert (one["done"], together["done"], together["jobs"]) == (2, 2, 2)
    assert together["same_results"] is True


def test_tests_marked_gpu_are_collected_and_skipped_visibly_without_one(dry: Path) -> None:
    rows = rows_of(json.loads(dry.read_text()), "tests")
    outcomes = [row["outcome"] for row in rows if "outcome" in row]
    assert len(outcomes) >= 24
    assert set(outcomes) == {"skipped"}
    assert rows[-1]["exit_code"] == 0
    assert f"{len(outcomes)} skipped" in rows[-1]["summary"]


def test_a_failed_test_is_named_with_its_reason() -> None:
    name = "tests/a/test_b.py::test_c[x-1]"
    assert gpu_tests.OUTCOME.match(f"{name} FAILED     [ 50%]").groups() == (name, "FAILED")  # type: ignore[union-attr]
    assert gpu_tests.REASON.match(f"FAILED {name} - AssertionError: no")[2] == "AssertionError: no"  # type: ignore[index]


def test_the_docs_can_be_written_from_what_a_run_leaves(dry: Path) -> None:
    """The shape is the same, so that a dry file stands in for a real one."""
    content = json.loads(dry.read_text())
    content["device"] |= {"name": "A device", "capability": [9, 0], "driver": "1.2"}
    text = measured_text({**content, "dry": False, "source": "gpu-a-device.json"})
    assert "### A device" in text
    assert "| layers=linear | 0 | 3 | tf32 |" in text
    assert "| exact | fp32 | stored |" in text
    assert "- Training alone, fp32: " in text
    assert "- 2 cells, 2 at a time: " in text
    assert "the same results" in text


def test_a_dry_result_is_refused_by_name(dry: Path) -> None:
    with pytest.raises(SystemExit, match=r"gpu-dry\.json is of a dry run"):
        generate_gpu.results(dry.parent)


def test_without_a_gpu_a_real_run_measures_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/gpu.py", "--output", str(tmp_path)]
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no CUDA device here" in done.stderr
    assert list(tmp_path.iterdir()) == []


def install_section(root: Path, source: str) -> None:
    package = root / "benchmarks" / "on_gpu"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "section.py").write_text(source)


SLOW_SECTION = """
import subprocess, sys
with open(sys.argv[sys.argv.index("--rows") + 1], "a") as file:
    file.write('{"a": 1}\\n{"half of')
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("child", "w").write(str(child.pid))
child.wait()
"""


def test_a_section_over_its_limit_is_cut_with_all_it_started_and_keeps_its_whole_rows(tmp_path: Path) -> None:
    install_section(tmp_path, SLOW_SECTION)
    record = records.Record(tmp_path / "found.json", dry=False, commit="c", seconds=100)
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    record.run(records.Section("products", 6, 6), tmp_path, tmp_path, env, 1)
    found = json.loads((tmp_path / "found.json").read_text())["sections"]["products"]
    assert found["state"] == "cut"
    assert found["reason"] == "its 6 seconds were over"
    assert found["rows"] == [{"a": 1}]
    assert not record.complete
    assert _ends(int((tmp_path / "child").read_text()))


def _ends(process: int) -> bool:
    for _ in range(50):
        state = Path(f"/proc/{process}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False


def test_a_section_for_which_no_time_is_left_is_not_begun(tmp_path: Path) -> None:
    record = records.Record(tmp_path, dry=False, commit="c", seconds=1)
    record.run(records.Section("products", 60, 60), tmp_path, tmp_path, {}, 1)
    found = json.loads(record.path.read_text())["sections"]["products"]
    assert (found["state"], found["reason"], found["rows"]) == ("cut", "no time was left", [])


def test_a_section_that_fails_leaves_its_last_words_without_paths_of_the_machine(tmp_path: Path) -> None:
    install_section(tmp_path, "raise RuntimeError('no ' + '/' + 'home/ann/thing.so here')")
    record = records.Record(tmp_path / "found.json", dry=False, commit="c", seconds=100)
    record.run(records.Section("products", 60, 60), tmp_path, tmp_path, {**os.environ, "PYTHONPATH": str(tmp_path)}, 1)
    found = json.loads((tmp_path / "found.json").read_text())["sections"]["products"]
    assert found["state"] == "failed"
    assert "RuntimeError: no .../thing.so here" in found["reason"]


def test_all_sections_of_a_gpu_fit_into_less_than_eight_minutes() -> None:
    assert records.LIMIT_SECONDS < 8 * 60 - 15
    assert sum(section.seconds for section in records.SECTIONS[:-1]) < records.LIMIT_SECONDS


def test_tile_sizes_begin_with_todays_and_a_cut_leaves_each_precision_some() -> None:
    assert {one[0] for one in interleaved(99)[:3]} == set(TRIED)
    assert [one for one in interleaved(99) if one[0] == "fp32"] == [("fp32", one) for one in configurations("fp32", 99)]
    assert len(configurations("bf16", 2)) == 2


def test_every_shape_that_tiles_are_compared_on_is_measured() -> None:
    assert set(generate_gpu.COMPARED) <= {(shape.k, shape.classes) for shape in SHAPES}


def test_a_checkout_that_is_not_installed_is_described_by_what_the_project_declares(tmp_path: Path) -> None:
    folder = environment.described(ROOT, tmp_path)
    (found,) = importlib.metadata.distributions(path=[str(folder)])
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["albench"]
    assert {point.name: point.value for point in found.entry_points if point.group == "albench"} == declared


def test_wheels_of_a_folder_are_put_on_the_path_of_the_sections(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "afound-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("afound.py", "VALUE = 7\n")
        wheel.writestr("afound-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: afound\nVersion: 1.0\n")
        wheel.writestr("afound-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("afound-1.0.dist-info/RECORD", "")
    env = environment.environment(ROOT, tmp_path, wheels, dry=False)
    command = [sys.executable, "-c", "import afound; print(afound.VALUE)"]
    assert subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout == "7\n"
    with pytest.raises(SystemExit, match="holds no wheel"):
        environment.unpacked(tmp_path, tmp_path / "other")
