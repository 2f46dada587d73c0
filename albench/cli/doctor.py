"""``albench doctor``."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from albench.cli.options import DataOption
from albench.cli.output import Format, FormatOption, show_rows
from albench.datadir import DATA, data_directory, data_settings, is_offline
from albench.errors import RequestError, reason
from albench.hookspecs import KINDS
from albench.plugins.entries import Entry
from albench.plugins.host import host

if TYPE_CHECKING:
    from albench.contracts.scenario import Scenario


def doctor(
    output: FormatOption = Format.table,
    data: DataOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Import PyTorch and every component too, which takes seconds.")
    ] = False,
) -> None:
    """Say what albench runs on, which data it finds, and what is wrong with plugins; exit 0 unless it cannot run."""
    with data_settings(data, offline=False):
        rows = [*_system(), *(_devices() if full else _graphics_cards()), *_data(), *_plugins(full)]
    show_rows(rows, output, ["check", "state", "detail"])
    if any(row["state"] == "broken" for row in rows):
        raise SystemExit(1)


def _system() -> list[dict[str, Any]]:
    from albench.executors.local import cores
    from albench.processor import processor
    from albench.products.choice import chosen
    from albench.running.provenance import versions

    rows = [
        _row("python", "ok", platform.python_version()),
        _row("cpu", "ok", f"{processor().name}, {cores()} cores"),
        _row("matrix product", "ok", f"{chosen()} on {processor().kind}"),
    ]
    for name, version in versions().items():
        rows.append(_row(name, "broken" if version == "not installed" else "ok", version))
    return rows


def _graphics_cards() -> list[dict[str, Any]]:
    """Ask the driver; whether PyTorch can use the cards takes an import of it to know."""
    tool = shutil.which("nvidia-smi")
    words = ["--query-gpu=name,driver_version", "--format=csv,noheader"]
    asked = subprocess.run([tool, *words], capture_output=True, text=True, check=False) if tool else None  # noqa: S603
    cards = asked.stdout.splitlines() if asked and not asked.returncode else []
    if not cards:
        return [_row("cuda", "none", "the driver names no card; cells run on the CPU")]
    return [_row("cuda", "ok", f"{card} ('albench doctor --full' tries it)") for card in cards]


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


def _data() -> list[dict[str, Any]]:
    folder = data_directory()
    where = f"{folder}{' (offline)' if is_offline() else ''}"
    if folder.is_dir():
        return [
            _row("data", "ok", where),
            *(row for entry in host().all_entries(["scenarios"]) for row in _held(entry)),
        ]
    if os.environ.get(DATA):
        advice = f"name another with --data or ${DATA}"
        return [_row("data", "problem", f"the folder {where} is not there; {advice}")]
    return [_row("data", "none", f"{where} is not there yet; downloads make it, or name yours with --data or ${DATA}")]


def _held(entry: Entry) -> list[dict[str, Any]]:
    """Return a row on what a scenario finds in the folder of data, none for one that reads none or does not say."""
    from albench.contracts.scenario import Scenario

    try:
        scenario: Scenario = host().build(entry.kind, entry.name, entry.defaults)
        if not scenario.reads_data or type(scenario).data_found is Scenario.data_found:
            return []
        found = scenario.data_found()
    except RequestError:  # it cannot be imported, which is told of elsewhere, or has no defaults
        return []
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is its problem
        return [_row("data set", "problem", f"{entry.name}: looking for it raised {reason(error)}")]
    return [_row("data set", "ok" if found else "none", f"{entry.name}: {found or 'not in this folder'}")]


def _plugins(full: bool) -> list[dict[str, Any]]:
    found = host()
    rows = [_row("plugin", "ok", str(plugin)) for plugin in found.plugins]
    problems = [str(problem) for problem in found.problems]
    for entry in found.all_entries():
        try:
            if full:
                found.component_class(entry.kind, entry.name)
            else:
                _look_for(entry)
        except RequestError as error:
            problems.append(str(error))
    return rows + [_row("plugin", "problem", problem) for problem in dict.fromkeys(problems)]


def _look_for(entry: Entry) -> None:
    """Raise RequestError where a component's target is not to be found; nothing is imported."""
    from albench.plugins.modules import find_module, source, stamp

    module, name = find_module(entry.module), entry.attribute.partition(".")[0]
    if module is not None:
        bound = source(stamp(module.file)).bound if module.file else {name}
        if not {name, "*", "__getattr__"}.isdisjoint(bound):
            return
    missing = f"there is no module {entry.module}" if module is None else f"{entry.module} defines no {name}"
    raise RequestError(
        f"the {KINDS[entry.kind].singular} {entry.name!r} ({entry.target}) of {entry.plugin}: {missing}; mend or "
        f"uninstall {entry.plugin.distribution}"
    )


def _row(check: str, state: str, detail: str) -> dict[str, Any]:
    return {"check": check, "state": state, "detail": detail}
