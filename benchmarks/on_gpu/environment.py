"""What the sections' processes need to see of this checkout, where it may not be installed and no package index is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

PACKAGES = (".", "strategies", "datasets", "reports")


def environment(root: Path, scratch: Path, wheels: Path | None, dry: bool) -> dict[str, str]:
    """Return the environment of a section: the checkout first on the path, then the wheels' packages."""
    folders = [str((root / package).resolve()) for package in PACKAGES]
    if wheels is not None:
        folders.append(str(unpacked(wheels, scratch / "site")))
    try:
        distribution("albench")
    except PackageNotFoundError:
        folders.append(str(described(root, scratch / "described")))
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([*folders, *([inherited] if inherited else [])])
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if dry else {}
    fixed = {"PYTHONUNBUFFERED": "1", "ALBENCH_OFFLINE": "1", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}  # as in a cell
    return {**os.environ, **fixed, **hidden, "PYTHONPATH": path}


def unpacked(wheels: Path, folder: Path) -> Path:
    """Install every wheel of a folder into another, from no index."""
    found = sorted(str(path) for path in wheels.glob("*.whl"))
    if not found:
        sys.exit(f"{wheels} holds no wheel")
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *found], check=True)
    return folder


def described(root: Path, folder: Path) -> Path:
    """Describe the checkout as a distribution, whose entry points are those that the project declares."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    header = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(header, encoding="utf-8")
    groups = project["entry-points"].items()
    points = ["\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in of.items())]) for group, of in groups]
    (info / "entry_points.txt").write_text("\n".join(points) + "\n", encoding="utf-8")
    return folder


def commit_of(root: Path) -> str:
    """Return the first letters of this checkout's commit, with `-dirty` where files differ; `unknown` without git."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return "unknown"
    words = [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=10", "--exclude", "*"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
