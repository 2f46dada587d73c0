"""What leaves a machine with an archive: results, and no path of that machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from albench.errors import DamageError

_IDENTITY = ("key", "spec", "request", "harness", "schema")  # of a record: what it is, not where it was made
_BETWEEN = re.compile(r"([\s\'\":;,()=|<>\[\]{}]+)")  # what ends a path in a text


def study_without_paths(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study whose commands name files without their folders."""
    return {**study, "commands": _without_paths(study["commands"])}


def record_without_paths(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell's record that names files without their folders; what is its identity stays as it is.

    Raises DamageError for a record that is nested beyond measure.
    """
    try:
        return {name: value if name in _IDENTITY else _without_paths(value) for name, value in record.items()}
    except RecursionError:
        raise DamageError("it is nested too deeply") from None


def _without_paths(value: Any) -> Any:
    if isinstance(value, str):
        return _file_name(value) or "".join(_file_name(part) or part for part in _BETWEEN.split(value))
    if isinstance(value, dict):
        return {_without_paths(name): _without_paths(one) for name, one in value.items()}
    return [_without_paths(one) for one in value] if isinstance(value, (list, tuple)) else value


def _file_name(text: str) -> str:
    """Return what is left of a text that is an absolute path, or an option with one (-I/usr/x), "" for another text."""
    option = re.match(r"-+\w*(?=[/~])", text)
    path = text.removeprefix(option[0]) if option else text
    posix, windows = PurePosixPath(path), PureWindowsPath(path)
    if posix.name and (posix.is_absolute() or path.startswith("~")):
        return f"{option[0] if option else ''}…/{posix.name}"
    return f"…/{windows.name}" if windows.drive and windows.is_absolute() else ""
