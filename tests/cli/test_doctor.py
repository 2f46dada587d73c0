"""``albench doctor`` looks at data and plugins, and imports PyTorch and components only when it is asked to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from albench.plugins.host import host
from tests.conftest import Cli, PluginFolder
from tests.datasets.layouts import parquet_layout, torchvision_layout

OFFERS = "import albench\n@albench.hookimpl\ndef albench_{kind}():\n    return {{{names}}}\n"


def _rows(cli: Cli, check: str, *options: object) -> list[tuple[str, str]]:
    ran = cli("doctor", "--format", "json", *options)
    assert ran.code == 0, ran.err
    return [(row["state"], row["detail"]) for row in json.loads(ran.out) if row["check"] == check]


def test_doctor_imports_neither_torch_nor_plots() -> None:
    code = (
        "import sys; sys.argv = ['albench', 'doctor']\n"
        "from albench.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'pandas', 'plotly', 'scipy', 'sklearn', 'torchvision'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    values = dict(os.environ, ALBENCH_DATA=".")
    done = subprocess.run([sys.executable, "-c", code], env=values, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_component_that_is_installed_is_found_where_its_target_says(cli: Cli) -> None:
    assert not host().problems
    assert {state for state, _ in _rows(cli, "plugin")} == {"ok"}
    assert {state for state, _ in _rows(cli, "plugin", "--full")} == {"ok"}


def test_doctor_says_that_the_folder_of_data_is_not_there(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    sentence = f"the folder {gone} is not there; name another with --data or $ALBENCH_DATA"
    assert _rows(cli, "data", "--data", gone) == [("problem", sentence)]
    monkeypatch.setenv("ALBENCH_DATA", str(gone))
    assert _rows(cli, "data") == [("problem", sentence)]
    monkeypatch.delenv("ALBENCH_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ((state, detail),) = _rows(cli, "data")
    assert state == "none"
    assert "is not there yet; downloads make it" in detail
    assert _rows(cli, "data set") == []


def test_doctor_names_the_data_sets_that_the_folder_holds(cli: Cli, tmp_path: Path) -> None:
    assert _rows(cli, "data", "--data", tmp_path) == [("ok", str(tmp_path))]
    absent = {(state, detail.partition(":")[2]) for state, detail in _rows(cli, "data set", "--data", tmp_path)}
    assert absent == {("none", " not in this folder")}
    folder = parquet_layout(tmp_path / "cifar100")
    for layout in (f"2 Parquet files in {folder}", "torchvision's folder cifar-100-python"):
        held = _rows(cli, "data set", "--data", tmp_path)
        assert [detail for state, detail in held if state == "ok"] == [f"cifar100: {layout}"]
        if layout.startswith("2"):
            torchvision_layout(tmp_path)


def test_a_scenario_that_fails_as_it_looks_for_its_data_stops_nothing(
    cli: Cli, plugins: PluginFolder, tmp_path: Path
) -> None:
    plugins.install(
        "looking",
        OFFERS.format(kind="scenarios", names="'looking': 'looking:Looking', 'silent': 'looking:Silent'")
        + "class Silent(albench.Scenario):\n    def split(self, seed):\n        raise NotImplementedError\n"
        "class Looking(Silent):\n    def data_found(self):\n        return 1 / 0\n",
    )
    held = _rows(cli, "data set", "--data", tmp_path)
    assert ("problem", "looking: looking for it raised ZeroDivisionError: division by zero") in held
    assert not any("silent" in detail for _, detail in held)


@pytest.mark.parametrize(
    ("target", "missing"),
    [
        ("no_such_module:Mine", "there is no module no_such_module"),
        ("json:Mine", "json defines no Mine"),
        ("offering.inner:Mine", "there is no module offering.inner"),
    ],
)
def test_a_target_that_leads_nowhere_is_found_without_an_import(
    cli: Cli, plugins: PluginFolder, target: str, missing: str
) -> None:
    plugins.install("offering", OFFERS.format(kind="strategies", names=f"'mine': '{target}'"))
    advice = (
        f"the strategy 'mine' ({target}) of plugin 'offering' of offering 1.0: {missing}; mend or uninstall offering"
    )
    assert ("problem", advice) in _rows(cli, "plugin")


def test_what_only_an_import_tells_is_told_by_full(cli: Cli, plugins: PluginFolder) -> None:
    (plugins.root / "torn.py").write_text("import no_such_module\nclass Mine: ...\n", encoding="utf-8")
    plugins.install("offering", OFFERS.format(kind="strategies", names="'mine': 'torn:Mine'"))
    assert not [detail for state, detail in _rows(cli, "plugin") if state == "problem"]
    ((_, told),) = [row for row in _rows(cli, "plugin", "--full") if row[0] == "problem"]
    assert "(torn:Mine) of plugin 'offering' of offering 1.0 cannot be imported: ModuleNotFoundError" in told
