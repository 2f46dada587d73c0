"""Distributions as they lie on disk: installed plainly, or in an editable way, by a path or by an import hook."""

from __future__ import annotations

import importlib
import json
import site
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

from albench.plugins.host import host
from albench.study.choice import Choice

HOOK = """
import albench

@albench.hookimpl
def albench_strategies():
    return {"mine": "TARGET:Mine"}
"""

STRATEGY = '''
from dataclasses import dataclass

import albench


@dataclass(frozen=True)
class Mine(albench.Strategy):
    """Of a test."""

    def score(self, query):
        return query.logits[:, 0] * SCALE
'''


def strategy(imports: str) -> str:
    """Return a module with a strategy that scales by a name; `imports` makes the name."""
    return imports + "\n" + STRATEGY


class Shelf:
    """A folder of installed distributions on the path of this process, and one of projects."""

    def __init__(self, root: Path) -> None:
        self.site, self.project = root / "site", root / "my project"
        self.site.mkdir()
        self.project.mkdir()
        self._root = root

    def write(self, folder: Path, files: Mapping[str, str]) -> None:
        """Write files by their paths in a folder."""
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    def describe(self, name: str, entry: str = "", **more: str) -> None:
        """Write the metadata of a distribution; an entry point where one is given, and further files by their stems."""
        info = self.site / f"{name}-1.0.dist-info"
        files = {"METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", **more}
        if entry:
            files["entry_points.txt"] = f"[albench]\n{entry} = {entry}\n"
        self.write(info, files)

    def install(self, name: str, files: Mapping[str, str], entry: str = "") -> None:
        """Install files plainly, with the record of them that every installer writes."""
        self.write(self.site, files)
        self.describe(name, entry, RECORD="".join(f"{file},,\n" for file in files))

    def link(self, name: str, entry: str, *folders: str) -> None:
        """Install the project in an editable way, by a path file that names some of its folders."""
        self.write(self.site, {f"_{name}.pth": "".join(f"{self.project / folder}\n" for folder in folders)})
        self._describe_editable(name, entry)
        site.addsitedir(str(self.site))

    def hook(self, name: str, entry: str, packages: Mapping[str, str]) -> None:
        """Install the project in an editable way, by a finder that knows where some packages lie."""
        places = {package: self.project / place for package, place in packages.items()}

        class Finder:
            @classmethod
            def find_spec(cls, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
                place = places.get(fullname)
                return spec_from_file_location(fullname, place / "__init__.py") if place else None

        sys.meta_path.append(Finder)
        self._describe_editable(name, entry)

    def _describe_editable(self, name: str, entry: str) -> None:
        origin = {"url": self.project.as_uri(), "dir_info": {"editable": True}}
        self.describe(name, entry, **{"direct_url.json": json.dumps(origin)})

    def start_anew(self) -> None:
        """Forget what was imported from here, as a new process would not know it."""
        for name in list(sys.modules):
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(self._root)):
                del sys.modules[name]
        importlib.invalidate_caches()
        host.cache_clear()

    def version(self, name: str = "mine") -> int | str:
        """Return what stands for a strategy's code, as a new process finds it."""
        self.start_anew()
        return Choice.of("strategies", name).version

    def edit(self, file: Path, old: str, new: str) -> None:
        """Replace a text that a file has."""
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    found = Shelf(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # which is told from edited source by whole seconds
    monkeypatch.setattr(sys, "path", [str(found.site), *sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    yield found
    found.start_anew()
