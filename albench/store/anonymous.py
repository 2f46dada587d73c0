"""What leaves a machine with an archive: results, and no path of that machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

_FOLDERS = re.compile(r"(?<![\w.:/\\-])(?:[A-Za-z]:|~)?[/\\](?:[^\s/\\'\":;,()=]+[/\\])*(?=[^\s/\\])")


def study_without_paths(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study whose commands name files without their folders."""
    return {**study, "commands": _without_paths(study["commands"])}


def record_without_paths(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell's record whose provenance and error name files without their folders; its spec is its identity."""
    told = ("error", "provenance", "earlier_sessions")
    return {name: _without_paths(value) if name in told else value for name, value in record.items()}


def _without_paths(value: Any) -> Any:
    if isinstance(value, str):
        for flavour in (PurePosixPath, PureWindowsPath):
            if flavour(value).is_absolute():
                return f"…/{flavour(value).name}"
        return _FOLDERS.sub("…/", value)
    if isinstance(value, dict):
        return {name: _without_paths(one) for name, one in value.items()}
    return [_without_paths(one) for one in value] if isinstance(value, (list, tuple)) else value
