"""Classes that no plugin offers: loaded from a file, or defined where albench is called."""

from __future__ import annotations

import hashlib
import sys
import types
from pathlib import Path
from typing import Any

from albench.errors import RequestError, did_you_mean, reason

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
