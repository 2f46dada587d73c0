"""An environment that holds what ``pip install albench`` leaves, and nothing else: no other build backend, no network."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class FreshEnvironment:
    """A virtual environment, and a folder in which to be."""

    root: Path
    here: Path

    @property
    def site(self) -> Path:
        """The folder of its packages."""
        return next(self.root.glob("lib/python*/site-packages"))

    def call(self, command: str) -> str:
        """Run a line as a shell does and return what it prints; it must not fail."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "ALBENCH_PLUGINS")}
        path = f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
        values = {**kept, "PATH": path, "PIP_NO_INDEX": "1", "PYTHONNOUSERSITE": "1"}
        ran = subprocess.run(
            command, shell=True, cwd=self.here, env=values, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout + ran.stderr

    def link(self, names: Iterable[str]) -> None:
        """Take distributions, and all that they require, from the environment of the tests, as an installer would."""
        todo, seen = [(name, "") for name in names], set[tuple[str, str]]()
        while todo:
            text, wanted = todo.pop()
            requirement = Requirement(text)
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": wanted}):
                continue
            name = canonicalize_name(requirement.name)
            for extra in {"", *requirement.extras}:
                if (name, extra) not in seen:
                    seen.add((name, extra))
                    self._link(name)
                    todo += [(line, extra) for line in distribution(name).requires or []]

    def command(self, module: str) -> None:
        """Write the command that an installer writes for a module."""
        path = self.root / "bin" / module
        path.write_text(f'#!/bin/sh\nexec python -m {module} "$@"\n', encoding="utf-8")
        path.chmod(0o755)

    def _link(self, name: str) -> None:
        found = distribution(name)
        for part in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            target = self.site / part
            if not target.exists():
                target.symlink_to(str(found.locate_file(part)))


def make_fresh_environment(root: Path, here: Path) -> FreshEnvironment:
    """Install albench from its wheel, beside the installed copies of what the wheel requires."""
    venv.create(root, symlinks=True)
    fresh = FreshEnvironment(root, here)
    fresh.link(["pip"])
    fresh.command("pip")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(root / "wheels"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (root / "wheels").glob("*.whl")
    fresh.call(f"pip install --no-deps {wheel}")
    metadata = next(fresh.site.glob("albench-*.dist-info")) / "METADATA"
    lines = metadata.read_text(encoding="utf-8").splitlines()
    fresh.link(line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: "))
    return fresh
