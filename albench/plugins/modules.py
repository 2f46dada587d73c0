"""Where the source of modules lies, found without importing any, and which of it belongs to one distribution."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from albench.plugins.syntax import Import, Source, read_source

Stamp = tuple[str, int, int]  # a file's path, time of change in nanoseconds and size: what its content is cached under
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True)
class Module:
    """A module by its full name: its Python file, None where it has none, and where its submodules lie."""

    name: str
    file: Path | None
    locations: tuple[str, ...] = ()

    @property
    def is_package(self) -> bool:
        """Whether it may have submodules."""
        return bool(self.locations)


def find_module(name: str) -> Module | None:
    """Return a module that is or could be imported, None where there is none; nothing is imported."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if spec is not None:
        return _module(spec)
    parent, _, last = name.rpartition(".")
    if not parent:
        return _found(name, None)
    package = find_module(parent)
    if package is None or not package.is_package:
        return None
    return _found(name, package.locations) or _namespace(name, [Path(place, last) for place in package.locations])


def _found(name: str, locations: tuple[str, ...] | None) -> Module | None:
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, None if locations is None else list(locations))
        except Exception:  # noqa: BLE001, S112 - a finder of others, or a namespace inside one that is not imported
            continue
        if spec is not None:
            return _module(spec)
    return None


def _module(spec: ModuleSpec) -> Module:
    file = Path(spec.origin) if spec.origin and spec.has_location and spec.origin.endswith(".py") else None
    try:
        locations = tuple(spec.submodule_search_locations or ())
    except KeyError:  # of a namespace whose parent is not imported
        locations = ()
    return Module(spec.name, file, locations)


def _namespace(name: str, folders: list[Path]) -> Module | None:
    """Return the namespace package of those folders that exist."""
    found = tuple(str(folder) for folder in folders if folder.is_dir())
    return Module(name, None, found) if found else None


@dataclass(frozen=True)
class Territory:
    """The files that belong to a distribution: those of folders, single ones, and a project's outside environments."""

    folders: frozenset[Path]
    files: frozenset[Path]
    project: Path | None = None

    def has(self, file: Path) -> bool:
        """Whether a file belongs to it, as it is named or where links lead."""
        return any(self._has(form) for form in _forms(file))

    def _has(self, file: Path) -> bool:
        return file in self.files or not self.folders.isdisjoint(file.parents) or self._is_of_project(file)

    def _is_of_project(self, file: Path) -> bool:
        if self.project is None or self.project not in file.parents:
            return False
        between = [folder for folder in file.parents if self.project in folder.parents]
        return not any(folder.name in _INSTALLED or (folder / "pyvenv.cfg").exists() for folder in between)


def territory(modules: list[Module], distribution: str) -> Territory:
    """Return what belongs to the distribution of some modules; an empty or unknown name adds nothing to their packages.

    That is the outermost package of each (or the module alone), what the metadata list, and of an editable
    installation the project's folder.
    """
    folders: set[Path] = set()
    files: set[Path] = set()
    for module in [outer for inner in modules for outer in _outermost(inner)]:
        _add(module, folders, files)
    project = None
    try:
        installed = metadata.distribution(distribution)
    except (metadata.PackageNotFoundError, ValueError):
        return Territory(frozenset(folders), frozenset(files))
    for name in (installed.read_text("top_level.txt") or "").split():
        top = find_module(name)
        if top is not None and top.file is not None:
            _add(top, folders, files)
    root = installed.locate_file("")
    for listed in installed.files or ():
        if listed.suffix == ".py":
            files.update(_forms(Path(str(root), listed)))
    project = _project(installed)
    return Territory(frozenset(folders), frozenset(files), project)


def _outermost(module: Module) -> Iterator[Module]:
    """Yield the outermost package of a module that has a file, its own `__init__`, or the module itself."""
    parts = module.name.split(".")
    outer = (find_module(".".join(parts[:length])) for length in range(1, len(parts)))
    yield next((package for package in outer if package is not None and package.file is not None), module)


def _add(module: Module, folders: set[Path], files: set[Path]) -> None:
    if module.file is not None:
        files.update(_forms(module.file))
    if module.file is not None and module.is_package:
        folders.update(form.parent for form in _forms(module.file))


def _project(installed: metadata.Distribution) -> Path | None:
    """Return the folder that an editable installation was made from."""
    try:
        origin = json.loads(installed.read_text("direct_url.json") or "{}")
        is_editable = bool(origin["dir_info"]["editable"])
    except (ValueError, KeyError, TypeError):
        return None
    return Path(url2pathname(urlsplit(origin["url"]).path)).resolve() if is_editable else None


def _forms(file: Path) -> set[Path]:
    return {file.absolute(), file.resolve()}


def stamp(file: Path) -> Stamp:
    """Return what changes when a file's content does; a file that is gone has time and size 0."""
    try:
        status = file.stat()
    except OSError:
        return str(file), 0, 0
    return str(file), status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4096)
def source(content: Stamp) -> Source:
    """Return what the source of a file comes to; OSError where it cannot be read."""
    return read_source(Path(content[0]).read_bytes())


def imported(module: Module, content: Source, own: Territory) -> Iterator[Module]:
    """Yield the modules of a territory that one of it imports by name: not the packages on the way, which only run.

    Some of what is yielded may have no Python file.
    """
    for one in content.imports:
        base = _absolute(module, one)
        package = find_module(base) if base else None
        if package is None or (package.file is not None and not own.has(package.file)):
            continue
        submodule = find_module(f"{base}.{one.name}") if one.name and package.is_package else None
        if submodule is not None:
            yield submodule
        if submodule is None or _binds(package, one.name or ""):
            yield package


def _binds(package: Module, name: str) -> bool:
    """Whether a package's own code gives a name that a submodule has as well; a star may give any."""
    try:
        return package.file is not None and not source(stamp(package.file)).bound.isdisjoint({name, "*"})
    except OSError:
        return False


def _absolute(module: Module, one: Import) -> str:
    """Return the full name of the module that an import names, empty where it leaves the outermost package."""
    if not one.dots:
        return one.module
    parts = module.name.split(".")
    kept = parts[: len(parts) - one.dots + module.is_package]
    return ".".join([*kept, *filter(None, [one.module])]) if kept else ""
