"""``albench doctor``."""

from __future__ import annotations

import platform
from importlib.util import find_spec
from typing import Any

from albench.cli.output import Format, FormatOption, show_rows
from albench.datadir import data_directory, is_offline
from albench.errors import RequestError
from albench.plugins.host import host


def doctor(output: FormatOption = Format.table) -> None:
    """Say what albench runs on and what is wrong with plugins; exit 0 unless albench itself cannot run."""
    rows = [*_system(), *_devices(), *_plugins()]
    show_rows(rows, output, ["check", "state", "detail"])
    if any(row["state"] == "broken" for row in rows):
        raise SystemExit(1)


def _system() -> list[dict[str, Any]]:
    from albench.executors.local import cores
    from albench.running.provenance import processor, versions

    rows = [
        _row("python", "ok", platform.python_version()),
        _row("cpu", "ok", f"{processor()}, {cores()} cores"),
        _row("data", "ok", f"{data_directory()}{' (offline)' if is_offline() else ''}"),
    ]
    for name, version in versions().items():
        rows.append(_row(name, "broken" if version == "not installed" else "ok", version))
    return rows


def _devices() -> list[dict[str, Any]]:
    if find_spec("torch") is None:
        return []
    try:
        import torch
    except Exception as error:  # noqa: BLE001 - this command exists to say what is wrong
        return [_row("torch", "broken", f"cannot be imported: {error}")]
    if not torch.cuda.is_available():
        return [_row("cuda", "none", "no CUDA device; cells run on the CPU")]
    return [
        _row(f"cuda:{index}", "ok", torch.cuda.get_device_name(index)) for index in range(torch.cuda.device_count())
    ]


def _plugins() -> list[dict[str, Any]]:
    found = host()
    rows = [_row("plugin", "ok", str(plugin)) for plugin in found.plugins]
    problems = [str(problem) for problem in found.problems]
    for entry in found.all_entries():
        try:
            found.component_class(entry.kind, entry.name)
        except RequestError as error:
            problems.append(str(error))
    return rows + [_row("plugin", "problem", problem) for problem in dict.fromkeys(problems)]


def _row(check: str, state: str, detail: str) -> dict[str, Any]:
    return {"check": check, "state": state, "detail": detail}
