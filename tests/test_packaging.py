"""What is in the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_all_packages_typed_and_nothing_beside_them(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    packages = {"albench", "albench_strategies", "albench_datasets", "albench_reports", "albench_references"}
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == packages
    assert {f"{package}/py.typed" for package in packages} <= set(names)


def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    """Templates, presets and archives are files that a build can forget."""
    names = set(wheel.namelist())
    firsts = (f"{name}/albench_{name}" for name in ("strategies", "datasets", "reports", "references"))
    for folder in ("albench", *firsts):
        root = (ROOT / folder).parent
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.relative_to(root).as_posix() in names
    assert any(name.endswith((".j2", ".html")) for name in names)
    assert "albench/study/presets/paper.toml" in names


def test_the_wheel_declares_its_plugins_its_command_and_its_licence(wheel: zipfile.ZipFile) -> None:
    info = {name.split("/", 1)[1]: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}
    for package in ("albench", "albench_strategies", "albench_datasets", "albench_reports"):
        assert f"\n{package} = " in info["entry_points.txt"]
    assert "albench = albench.cli.main:main" in info["entry_points.txt"]
    assert any(name.endswith("LICENSE") for name in info)
    assert "Requires-Dist: torch>=2.9" in info["METADATA"]
    assert "# albench" in info["METADATA"]
    assert "](docs/" not in info["METADATA"], "an index resolves no relative link"


def test_no_folder_of_plugins_is_itself_a_package() -> None:
    for folder in ("strategies", "datasets", "reports"):
        assert not (ROOT / folder / "__init__.py").exists()
