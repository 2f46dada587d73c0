"""Classes that no plugin offers: loaded from a file, or defined where albench is called; and what their code is."""

from __future__ import annotations

import ast
import hashlib
import inspect
import linecache
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from albench.contracts.component import Component
from albench.errors import RequestError, did_you_mean, reason

_GENERATED = {"<string>", "dataclasses.py", "reprlib.py"}  # what dataclasses make of a class
_PREFIX = "albench_file_"  # of the names of modules that were loaded from files


def load_class(path: Path, name: str) -> Any:
    """Return what a file defines under a name; its code runs once for each content that it has had.

    Raises RequestError for a file that cannot be read or run, and for a name that it does not define.
    """
    module = _module(path.resolve())
    if not hasattr(module, name):
        classes = [known for known, value in vars(module).items() if isinstance(value, type)]
        raise RequestError(f"{path} defines no {name!r}{did_you_mean(name, classes)}; define it, or name another class")
    return getattr(module, name)


def _module(path: Path) -> types.ModuleType:
    text = _read(path)
    digest = hashlib.sha256(f"{path}\n{text}".encode()).hexdigest()[:16]
    name = f"{_PREFIX}{digest}"
    if name in sys.modules:
        return sys.modules[name]
    module = types.ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses and type hints look their module up there
    try:
        exec(compile(text, str(path), "exec"), module.__dict__)  # noqa: S102 - the user named this file to be run
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, (Exception, SystemExit)):
            raise RequestError(f"{path} cannot be run ({reason(error)}); mend it") from error
        raise
    return module


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be read ({reason(error)}); give a Python file and a class in it") from None


def file_of(cls: type[Any]) -> Path | None:
    """Return the file that a class outside of packages was defined in, None for a notebook, a script or a package."""
    module = sys.modules.get(cls.__module__)
    path = getattr(module, "__file__", None)
    is_alone = module is not None and not getattr(module, "__package__", None)
    if cls.__module__ == "__main__" or path is None or not is_alone or "." in cls.__qualname__:
        return None
    return Path(path).resolve()


def code_identity(cls: type[Component], path: Path | None = None) -> int | str:
    """Return what stands for a class's code in the key of its results.

    A `results_version` that the class itself sets, else the SHA-256 of the file it comes from, or of the notebook cell
    or script that defines it, without comments, docstrings and formatting, and of the versions of what it derives from.
    RequestError for a class whose code is not to be had, or is not all of it.
    """
    if "results_version" in vars(cls):
        return cls.results_version
    text = _read(path) if path is not None else _text_of(cls)
    bases = [base for base in cls.__mro__ if issubclass(base, Component) and base.__module__ != cls.__module__]
    inherited = [(base.__qualname__, base.results_version) for base in bases]
    return hashlib.sha256(f"{inherited}\n{_normalised(text)}".encode()).hexdigest()


def _normalised(text: str) -> str:
    """Return Python source without what does not change what its classes do."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    tree.body = [part for part in tree.body if not isinstance(part, ast.Expr) and not _is_main_guard(part)]
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _text_of(cls: type[Any]) -> str:
    """Return the source that defines a class; RequestError where there is none to be had."""
    codes = list(_codes(cls))
    if any(set(code.co_freevars) - {"__class__"} for code in codes) or "<locals>" in cls.__qualname__:
        raise RequestError(
            f"the class {cls.__qualname__} is made inside a function, so that its code does not tell what it does; "
            "define it outside, or set results_version in it"
        )
    for code in codes:
        linecache.checkcache(code.co_filename)
        lines = linecache.getlines(code.co_filename)
        if lines:
            return "".join(lines)
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
