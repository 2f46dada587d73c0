"""What a component's code is, as the keys of its results have it."""

from __future__ import annotations

import hashlib
import inspect
import linecache
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from albench.contracts.component import Component
from albench.errors import RequestError, reason
from albench.plugins.entries import Entry
from albench.plugins.modules import Module, Stamp, find_module, imported, source, stamp, territory
from albench.plugins.syntax import read_source

_GENERATED = {"<string>", "dataclasses.py", "reprlib.py"}  # what dataclasses make of a class

_hashes: dict[tuple[Any, ...], tuple[dict[Path, Stamp], str]] = {}  # by modules and distribution
_first: WeakKeyDictionary[type[Any], str] = WeakKeyDictionary()  # the hash of each class when it was first asked for


def code_identity(cls: type[Component], entry: Entry | None = None, path: Path | None = None) -> int | str:
    """Return what stands for a class's code in the key of its results.

    A `results_version` that the class itself sets, else a SHA-256 of the normal form of source: of the file of a class
    that has a `path`, else of its module and of what that imports of the distribution that offers it by `entry`, else
    of the notebook cell or script that defines it. The versions that its bases elsewhere set are part of it.
    RequestError for a class whose source is not to be had, or is not all of its code.
    """
    own = _version(cls)
    if own is not None:
        return own
    bases = [base for base in cls.__mro__ if issubclass(base, Component) and base.__module__ != cls.__module__]
    inherited = [(base.__qualname__, version) for base in bases if (version := _version(base)) is not None]
    return hashlib.sha256(f"{inherited!a}\n{_code(cls, entry, path)}".encode()).hexdigest()


def is_outdated(cls: type[Component], entry: Entry | None = None, path: Path | None = None) -> bool:
    """Whether the source of a class has changed since `code_identity` was first asked about it.

    Python goes on with the code that it imported: this class computes no longer what its source says.
    """
    if _version(cls) is not None:
        return False
    is_cell = path is None and not _modules(cls, entry) and not Path(_origin(cls)).exists()
    return not is_cell and _code(cls, entry, path) != _first[cls]


def _version(cls: type[Component]) -> int | str | None:
    found: int | str | None = vars(cls).get("results_version")
    return found


def _code(cls: type[Component], entry: Entry | None, path: Path | None) -> str:
    """Return the hash of a class's own code as it is on disk, without what it derives from."""
    if path is not None:
        found = _of_file(path)
    elif modules := _modules(cls, entry):
        found = _of_modules(cls, modules, entry.plugin.distribution if entry else "")
    else:
        found = read_source("".join(linecache.getlines(_origin(cls))), statements=False).digest
    _first.setdefault(cls, found)
    return found


def _of_file(path: Path) -> str:
    try:
        return source(stamp(path)).digest
    except OSError as error:
        raise RequestError(f"{path} cannot be read ({reason(error)}); give a Python file and a class in it") from None


def _modules(cls: type[Any], entry: Entry | None) -> list[Module]:
    """Return the modules that define a class: its own, and that of its target where the class is not to be found there.

    Empty for a class that a notebook, a script or a function makes. RequestError for one that is installed without
    source.
    """
    there: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        there = getattr(there, part, None)
    names = {cls.__module__} if there is cls or entry is None else {cls.__module__, entry.module}
    found = [find_module(name) for name in sorted(names)]
    modules = [module for module in found if module is not None and module.file is not None]
    if entry is not None and len(modules) < len(names):
        raise _sourceless(cls)
    return modules if entry is not None or (there is cls and cls.__module__ != "__main__") else []


def _of_modules(cls: type[Any], modules: list[Module], distribution: str) -> str:
    """Return the hash of modules and of what they import of their distribution, from the cache where no file moved."""
    key = (*((module.name, module.file) for module in modules), distribution)
    stamps, found = _hashes.get(key, ({}, ""))
    if not stamps or any(stamp(file) != known for file, known in stamps.items()):
        stamps, found = _walked(cls, modules, distribution)
        _hashes[key] = stamps, found
    return found


def _walked(cls: type[Any], modules: list[Module], distribution: str) -> tuple[dict[Path, Stamp], str]:
    """Return the files that modules import of their distribution, transitively, their own among them, and the hash."""
    own = territory(modules, distribution)
    todo, stamps, digests = list(modules), dict[Path, Stamp](), dict[str, str]()
    while todo:
        module = todo.pop()
        if module.file is None or module.name in digests or not own.has(module.file):
            continue
        content = stamp(module.file)
        try:
            read = source(content)
        except OSError:
            if module in modules:
                raise _sourceless(cls) from None
            continue  # its import will fail, or is not reached
        stamps[module.file] = content
        digests[module.name] = read.digest
        todo.extend(imported(module, read, own))
    return stamps, hashlib.sha256(ascii(sorted(digests.items())).encode()).hexdigest()


def _sourceless(cls: type[Any]) -> RequestError:
    return RequestError(
        f"the source of the class {cls.__module__}:{cls.__qualname__} is not to be had, so that its results could not "
        "be told from those of other code; set results_version in it"
    )


def _origin(cls: type[Any]) -> str:
    """Return the name of the file or cell whose lines define a class; RequestError where there are none to be had."""
    codes = list(_codes(cls))
    if any(set(code.co_freevars) - {"__class__"} for code in codes) or "<locals>" in cls.__qualname__:
        raise RequestError(
            f"the class {cls.__qualname__} is made inside a function, so that its code does not tell what it does; "
            "define it outside, or set results_version in it"
        )
    for code in codes:
        linecache.checkcache(code.co_filename)
        if linecache.getlines(code.co_filename):
            return code.co_filename
    raise RequestError(
        f"the source of the class {cls.__qualname__} is not to be had, so that its results could not be told from "
        "those of other code; put it into a file, or set results_version in it"
    )


def _codes(cls: type[Any]) -> Iterator[types.CodeType]:
    for value in vars(cls).values():
        function = inspect.unwrap(getattr(value, "fget", None) or getattr(value, "__func__", value))  # of decorators
        code = getattr(function, "__code__", None)
        is_own = getattr(function, "__module__", None) == cls.__module__
        if code is not None and is_own and Path(code.co_filename).name not in _GENERATED:
            yield code
