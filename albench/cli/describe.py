"""``albench list`` and ``albench show``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from albench.cli.completing import anything, kinds
from albench.cli.output import Format, FormatOption, show_rows, warn_of_plugins
from albench.errors import SHOWN, RequestError, did_you_mean
from albench.hookspecs import KINDS
from albench.plugins.entries import Entry
from albench.plugins.host import host
from albench.study.spec import DEFAULTS

if TYPE_CHECKING:
    from albench.study.study import Study


def list_(
    kind: Annotated[
        str | None, typer.Argument(help=f"One of: {', '.join(KINDS)}, presets.", autocompletion=kinds)
    ] = None,
    output: FormatOption = Format.table,
) -> None:
    """List what is installed, and which distribution it comes from; nothing is imported for it."""
    from albench.study.layers import ABOUT, presets, read_preset

    plural = {kind.singular: name for name, kind in KINDS.items()} | {"preset": "presets"}
    wanted = plural.get(kind, kind) if kind is not None else None
    if wanted is not None and wanted not in {*KINDS, "presets"}:
        raise RequestError(
            f"there is no kind {kind!r}{did_you_mean(str(kind), KINDS)}; the kinds are: {', '.join(KINDS)}, presets"
        )
    rows: list[dict[str, Any]] = []
    if wanted != "presets":
        rows = [_row(entry) for entry in host().all_entries([wanted] if wanted else None)]
    if wanted in (None, "presets"):
        rows += [
            {"kind": "presets", "name": name, "distribution": "albench"}
            | {key: value for key, value in read_preset(name).items() if key in ABOUT}
            for name in presets()
        ]
    warn_of_plugins()
    columns = ["name", *ABOUT] if wanted == "presets" else ["kind", "name", "distribution", "version", "target"]
    show_rows(rows, output, columns)


def show(
    name: Annotated[
        str, typer.Argument(help="A component or a preset, such as emoc, cifar100 or paper.", autocompletion=anything)
    ],
    output: FormatOption = Format.table,
) -> None:
    """Show what a component does, its parameters with their defaults, and a preset's protocol."""
    from albench.study.layers import presets

    entries = [entry for entry in host().all_entries() if entry.name == name]
    if not entries and name not in presets():
        known = [*{entry.name for entry in host().all_entries()}, *presets()]
        raise RequestError(f"nothing is called {name!r}{did_you_mean(name, known)}; 'albench list' names what there is")
    warn_of_plugins()
    if output is Format.json:
        parts = [described(entry) for entry in entries] + ([_preset(name)] if name in presets() else [])
        show_rows(parts, output, [])
        return
    for entry in entries:
        _print_component(described(entry))
    if name in presets():
        _print_preset(_preset(name))


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "name": entry.name,
        "distribution": entry.plugin.distribution,
        "version": entry.plugin.version,
        "target": entry.target,
    }


def described(entry: Entry) -> dict[str, Any]:
    """Return a component's description and its parameters with their types and defaults, as plain values."""
    import inspect
    from typing import get_type_hints

    from albench.plugins import parameters

    cls = host().component_class(entry.kind, entry.name)
    hints = get_type_hints(cls, include_extras=True)
    described_parameters = [
        {
            "name": name,
            "type": _type_text(hints[field.name]),
            "default": entry.defaults.get(name, _default_text(parameters.default(field))),
        }
        for name, field in parameters.fields(cls).items()
    ]
    return {**_row(entry), "description": inspect.getdoc(cls) or "", "parameters": described_parameters}


def _type_text(hint: Any) -> str:
    """Return a type hint as a user reads it: ``int, >= 1``."""
    from types import UnionType
    from typing import Annotated, Literal, Union, get_args, get_origin

    if get_origin(hint) is Annotated:
        base, *limits = get_args(hint)
        return ", ".join([_type_text(base), *(_limit_text(limit) for limit in limits)])
    if get_origin(hint) is Literal:
        return " or ".join(str(value) for value in get_args(hint))
    if get_origin(hint) in (Union, UnionType):
        return " or ".join("none" if part is type(None) else _type_text(part) for part in get_args(hint))
    return getattr(hint, "__name__", str(hint))


def _limit_text(limit: Any) -> str:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    found = [f"{sign} {getattr(limit, name)}" for name, sign in signs.items() if hasattr(limit, name)]
    return " ".join(found) or str(limit)


def _default_text(value: Any) -> str:
    if value is dataclasses.MISSING:
        return "(required)"
    return "none" if value is None else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _preset(name: str) -> dict[str, Any]:
    from albench.study.layers import read_preset

    return {"kind": "presets", "name": name, **read_preset(name)}


def _print_component(part: dict[str, Any]) -> None:
    typer.echo(
        f"{part['name']}: a {KINDS[part['kind']].singular} of {part['distribution']} {part['version']} "
        f"({part['target']})\n"
    )
    typer.echo(part["description"])
    if part["parameters"]:
        typer.echo("")
        rows = [{**row, "default": _cut(str(row["default"]))} for row in part["parameters"]]
        show_rows(rows, Format.table, ["name", "type", "default"])
    typer.echo("")


def _print_preset(part: dict[str, Any]) -> None:
    from albench.study.study import Request, read_study

    study = read_study(Request(preset=part["name"]))
    typer.echo(f"{part['name']}: a preset\n\n{part.get('description', '')}\n")
    typer.echo(f"needs: {part['needs']}\ncost: {part['cost']}, on two CPU cores")
    typer.echo(f"scenarios: {', '.join(study.scenarios)}")
    typer.echo(f"strategies: {', '.join(choice.label for choice in study.strategies)}")
    rounds = "until the pool is exhausted" if study.rounds is None else study.rounds
    typer.echo(f"seeds: {len(study.seeds)}\nrounds: {rounds}")
    if len(study.settings) > 1:
        typer.echo("settings:\n" + "\n".join(f"  {setting.label}" for setting in study.settings))
    typer.echo("")
    show_rows(_values(study), Format.table, ["part", "component", "parameter", "value"])
    typer.echo("")


def _values(study: Study) -> list[dict[str, Any]]:
    """Return every parameter of the study's protocols, learners and networks with its value."""
    rows = []
    for part in DEFAULTS:
        choices = {setting.parts()[part].label: setting.parts()[part] for setting in study.settings}.values()
        names = [choice.name for choice in choices]
        rows += [
            {
                "part": part,
                "component": choice.name if names.count(choice.name) == 1 else choice.label,
                "parameter": parameter,
                "value": _default_text(value),
            }
            for choice in choices
            for parameter, value in choice.parameters.items()
        ]
    return rows
