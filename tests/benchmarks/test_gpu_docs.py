"""What the docs and the stored choice of kernels say of GPUs: measured, or projected and marked so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from docs import generate_gpu

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
GPU = re.compile(r"\b(GPUs?|H100|H200|A100|TF32)\b")
FIGURE = re.compile(r"\d\s*(ms|s|seconds|minutes|TFLOPS?|GFLOP/s|TFLOP/s|GB/s|iterations)\b")
BEST, OTHER = [64, 64, 32, 4, 3], [128, 128, 32, 8, 3]


def row(k: int, seconds: float, tiles: list[int] | None, precision: str, **more: Any) -> dict[str, Any]:
    found = {"k": k, "classes": 20, "precision": precision, "method": "kernel" if tiles else "library", "tiles": tiles}
    found |= {"seconds": seconds, "largest_relative_error": 1e-5, "repeats_bitwise": True, "error": None, "spilled": 0}
    return found | more


def result(times: dict[Any, list[float]], more: dict[str, Any] | None = None) -> dict[str, Any]:
    """The seconds of the library (None) and of tiles at each K that is compared; `more` changes rows of BEST."""
    rows = [
        row(k, seconds, list(tiles) if tiles else None, precision, **((more or {}) if tiles == tuple(BEST) else {}))
        for precision in generate_gpu.PRECISIONS
        for tiles, each in times.items()
        for (k, _), seconds in zip(generate_gpu.COMPARED, each, strict=False)
    ]
    device = {"name": "A device", "capability": [9, 0]}
    return {"device": device, "when": "2026", "source": "gpu-a.json", "sections": {"products": {"rows": rows}}}


LIBRARY = [2.0, 2.0, 2.0, 2.0, 2.0]


def test_the_page_and_the_stored_choice_are_current() -> None:
    assert generate_gpu.stale() == [], "run python docs/generate_gpu.py"


def test_without_a_result_everything_is_projected(tmp_path: Path) -> None:
    due = generate_gpu.due(tmp_path)
    stored = json.loads(due[generate_gpu.CHOICE])
    assert all(entry["projected"] is True and entry["source"] is None for entry in stored.values())
    assert generate_gpu.PROJECTION in due[generate_gpu.PAGE]


def test_figures_of_gpus_are_marked_as_projected_as_long_as_no_result_is_committed() -> None:
    if generate_gpu.results(generate_gpu.RESULTS):
        assert not all(entry["projected"] for entry in json.loads(generate_gpu.CHOICE.read_text()).values())
        return
    told = [
        (page.name, paragraph)
        for page in PAGES
        for paragraph in page.read_text(encoding="utf-8").split("\n\n")
        if GPU.search(paragraph) and FIGURE.search(paragraph) and "without a GPU" not in paragraph
    ]
    assert told, "the projection itself is such a paragraph"
    assert [one for one in told if not re.search("projected|projection", one[1], re.IGNORECASE)] == []
    assert all(entry["projected"] for entry in json.loads(generate_gpu.CHOICE.read_text()).values())


@pytest.mark.parametrize(
    ("times", "wanted"),
    [
        ({None: LIBRARY, tuple(BEST): [1, 1, 1, 1, 1], tuple(OTHER): [1, 1, 1, 1, 1.1]}, (1024, BEST)),
        ({None: LIBRARY, tuple(BEST): [1, 1, 2, 3, 1], tuple(OTHER): [3, 3, 3, 3, 3]}, (256, BEST)),
        ({None: LIBRARY, tuple(BEST): [3, 1, 1, 1, 1]}, (-1, BEST)),
    ],
)
def test_the_fastest_tiles_are_stored_up_to_the_k_where_the_library_is_faster(
    times: dict[Any, list[float]], wanted: tuple[int, list[int]]
) -> None:
    stored = generate_gpu.choices([result(times)])["9.0"]
    assert stored["projected"] is False
    assert stored["source"] == "gpu-a.json"
    for chosen in stored["precisions"].values():
        assert (chosen["fused_up_to_k"], chosen["tiles"]) == wanted


@pytest.mark.parametrize(
    "fault",
    [{"spilled": 4}, {"repeats_bitwise": False}, {"largest_relative_error": 2.2e-5}, {"error": "out of memory"}],
)
def test_tiles_that_spill_do_not_repeat_err_or_fail_are_never_stored(fault: dict[str, Any]) -> None:
    times = {None: LIBRARY, tuple(BEST): [1, 1, 1, 1, 1], tuple(OTHER): [1.5, 1.5, 1.5, 1.5, 1.5]}
    assert generate_gpu.choices([result(times)])["9.0"]["precisions"]["tf32"]["tiles"] == BEST
    assert generate_gpu.choices([result(times, fault)])["9.0"]["precisions"]["tf32"]["tiles"] == OTHER


def test_an_architecture_that_was_measured_in_part_stays_projected() -> None:
    times = {None: LIBRARY, tuple(BEST): [1.0, 1.0]}
    assert generate_gpu.choices([result(times)])["9.0"]["projected"] is True
    whole = result({None: LIBRARY, tuple(BEST): [1, 1, 1, 1, 1]})
    assert generate_gpu.choices([whole])["8.0"]["projected"] is True


def test_the_newest_result_of_a_device_counts(tmp_path: Path) -> None:
    for when in ("2026-02", "2026-01"):
        content = {"dry": False, "when": when, "device": {"name": "A device", "capability": [9, 0]}}
        (tmp_path / f"gpu-{when}.json").write_text(json.dumps(content))
    assert [found["when"] for found in generate_gpu.results(tmp_path)] == ["2026-02"]
