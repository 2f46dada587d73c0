"""What a task takes along: whose plugins it was planned with, and the source of components from files."""

from __future__ import annotations

import copy
import hashlib
import os
import socket
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from albench.errors import RequestError, reason
from albench.plugins.host import host
from albench.store.files import write_bytes
from albench.study.choice import HERE, Choice
from albench.study.spec import PARTS, CellSpec

HARNESS = "albench"


def choices(spec: CellSpec) -> list[Choice]:
    """Return the components of a cell."""
    return [*spec.setting.parts().values(), spec.strategy]


def distributions(spec: CellSpec) -> dict[str, str]:
    """Return the versions of the distributions that a cell's components come from, the harness's own among them."""
    plugins = [host().entry(choice.kind, choice.name).plugin for choice in choices(spec) if not choice.source]
    return {HARNESS: _own_version(), **{plugin.distribution: plugin.version for plugin in plugins}}


def check_harness(planned: Mapping[str, str]) -> None:
    """Raise RequestError where the harness is of another version: it may not even read the task."""
    _check(HARNESS, _own_version(), planned[HARNESS])


def check_plugins(spec: CellSpec, planned: Mapping[str, str]) -> None:
    """Raise RequestError where plugins that are here are not those that a cell was planned with, by version or code."""
    try:
        here = distributions(spec)
    except RequestError as error:
        raise RequestError(f"{socket.gethostname()} lacks what the run was planned with: {error}") from None
    for name, due in planned.items():
        _check(name, here.get(name), due)
    for choice in choices(spec):
        try:
            choice.build()  # which holds its code against the plan's
        except RequestError as error:
            raise RequestError(f"on {socket.gethostname()}: {error}") from None


@cache
def _own_version() -> str:
    """Return the version of the harness that this process runs; a plan of many cells asks for it with each."""
    return version(HARNESS)


def _check(name: str, here: str | None, due: str) -> None:
    if here != due:
        found = f"{name} {here}" if here else f"another distribution's component in place of one of {name}"
        raise RequestError(
            f"{socket.gethostname()} has {found}, and the run was planned with {name} {due}; install that there, and "
            "run again with --retry-failed"
        )


def sources(spec: CellSpec) -> dict[str, str]:
    """Return the text of each file that defines a component of a cell, by its path here."""
    paths = {choice.source for choice in choices(spec)} - {"", HERE}
    try:
        return {path: Path(path).read_text(encoding="utf-8") for path in paths}
    except (OSError, ValueError) as error:
        raise RequestError(f"a component's file cannot be read ({reason(error)}); mend it") from None


def unpacked(cell: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return a cell's specification with its files where their texts were written here."""
    found = copy.deepcopy(dict(cell))
    for part in (*PARTS, "strategy"):
        path = found[part]["source"]
        if path in texts:
            found[part]["source"] = str(_written(Path(path).name, texts[path]))
    return found


def _written(name: str, text: str) -> Path:
    """Return a file of this content in a folder that is this user's alone, named by the content: others may run now."""
    content = text.encode()
    own = Path(tempfile.gettempdir()) / f"albench-{os.getuid() if hasattr(os, 'getuid') else os.getlogin()}"
    own.mkdir(mode=0o700, exist_ok=True)
    if own.is_symlink() or (hasattr(os, "getuid") and own.stat().st_uid != os.getuid()):
        raise RequestError(f"{own} is somebody else's; remove it, since components that travel are written there")
    path = own / hashlib.sha256(content).hexdigest()[:16] / name
    if not path.exists() or path.read_bytes() != content:
        write_bytes(path, content)
    return path
