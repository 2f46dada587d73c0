"""Components as text: ``name[parameter=value,...]``, parsed, validated and written back in one place.

A name is one that a plugin offers, or a file and a class in it, ``./my.py:Mine``. A component's parameters are the
fields of its frozen dataclass. Text, TOML and Python all end in `validate`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from albench.contracts.component import Component, Located
from albench.errors import RequestError, did_you_mean, reason, shown

MOST_BITS = 4096  # of a parameter that is an integer; Python writes no more than 4,300 digits
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_NAMED = re.compile(NAME.pattern, re.IGNORECASE)  # what looks like a name: whoever writes EMOC is told of emoc
_FILE = re.compile(r"(?P<path>.+?\.py):(?P<cls>[A-Za-z_]\w*)")
_FORM = re.compile(rf"(?P<name>{_FILE.pattern}|[^\[]*?)\s*(?P<bracket>\[.*)?", re.DOTALL)
_PARAMETER = re.compile(r'\s*(?P<key>\w+)\s*=\s*(?P<value>"(?:[^"\\]|\\.)*"|[^",\[\]]*)\s*(?:,|$)')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PLAIN = re.compile(r'[^",\[\]\s](?:[^",\[\]]*[^",\[\]\s])?')


def split_list(text: str) -> list[str]:
    """Split ``"a,b[x=1,y=2]"`` at the commas outside brackets and quotes."""
    pieces, depth, start = [], 0, 0
    blank = _QUOTED.sub(lambda match: "_" * len(match.group()), text)
    for position, char in enumerate(blank):
        depth += (char == "[") - (char == "]")
        if char == "," and depth == 0:
            pieces.append(text[start:position])
            start = position + 1
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


def file_and_class(name: str) -> tuple[str, str] | None:
    """Return the path and the class of a name such as ``./my.py:Mine``, None for any other name."""
    match = _FILE.fullmatch(name)
    return (match["path"], match["cls"]) if match else None


def placed(text: str, folder: Path) -> str:
    """Return a component's text with the path of its file, if it has one, taken from a folder."""
    match = _FORM.fullmatch(text.strip())
    if not match or not match["path"]:
        return text
    return f"{folder / Path(match['path']).expanduser()}:{match['cls']}{match['bracket'] or ''}"


def parse(text: str) -> tuple[str, dict[str, str]]:
    """Split ``name[x=1,y="a,b"]`` into its name and its parameters as text.

    Raises RequestError when the text has another form.
    """
    match = _FORM.fullmatch(text.strip())
    name, rest = (match["name"], match["bracket"] or "") if match else ("", "")
    if not (_NAMED.fullmatch(name) or file_and_class(name)) or bool(rest) != rest.endswith("]"):
        raise RequestError(
            f"{shown(text)} is not a component: write name or name[parameter=value,...], with a name of lower-case "
            "letters, digits, '.', '_' and '-', or a file and a class in it, ./my.py:Mine"
        )
    return name, _read_parameters(rest[1:-1], text)


def _read_parameters(body: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(body):
        match = _PARAMETER.match(body, position)
        if not match or match["key"] in found:
            raise RequestError(
                f"{shown(text)}: cannot read the parameters at {shown(body[position:])}; write parameter=value once "
                'each, separated by commas, a value that holds , " [ or ] in double quotes'
            )
        found[match["key"]] = _read_value(match["value"].strip(), text)
        position = match.end()
    return found


def _read_value(value: str, text: str) -> str:
    try:
        return str(json.loads(value)) if value.startswith('"') else value
    except ValueError:
        raise RequestError(f"{shown(text)}: {shown(value)} is no text in double quotes as in JSON") from None


def write(name: str, given: Mapping[str, Any]) -> str:
    """Return the text that `parse` reads back: ``name[x=1]``, or the bare name when nothing is given."""
    body = ",".join(f"{key}={_write_value(value)}" for key, value in given.items())
    return f"{name}[{body}]" if body else name


def _write_value(value: Any) -> str:
    if isinstance(value, str):
        ambiguous = not _PLAIN.fullmatch(value) or value == "none" or value != value.strip()
        return json.dumps(value) if ambiguous else value
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return "none" if value is None else json.dumps(value)


def fields(cls: type[Any]) -> dict[str, dataclasses.Field[Any]]:
    """Return the parameters of a component class by name, in the order of its fields.

    A parameter is named after its field, or after the field's metadata entry ``parameter`` where a method has that
    name.
    """
    if not dataclasses.is_dataclass(cls):
        raise RequestError(
            f"{cls.__module__}:{cls.__qualname__} is no component; derive it from the albench class of its kind"
        )
    found = [field for field in dataclasses.fields(cls) if field.init]
    return {field.metadata.get("parameter", field.name): field for field in found}


def values(component: Any) -> dict[str, Any]:
    """Return the value of each parameter of a configured component, by name, as JSON knows values."""
    from pydantic_core import to_jsonable_python

    found = {name: getattr(component, field.name) for name, field in fields(type(component)).items()}
    return {name: to_jsonable_python(value) for name, value in found.items()}


def path_parameters(cls: type[Any]) -> set[str]:
    """Return the parameters of a class that name a file or a folder."""
    hints = _hints(cls, cls.__qualname__)
    return {name for name, field in fields(cls).items() if _is_path(hints[field.name])}


def _hints(cls: type[Any], where: str) -> dict[str, Any]:
    try:
        return get_type_hints(cls, include_extras=True)
    except Exception as error:
        raise RequestError(
            f"{where}: a type hint of its class cannot be resolved ({reason(error)}); mend it, or import what it names"
        ) from error


def _is_path(hint: Any) -> bool:
    return any(isinstance(part, Located) or _is_path(part) for part in get_args(hint))


def default(field: dataclasses.Field[Any]) -> Any:
    """Return a parameter's default, or dataclasses.MISSING when it must be given."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def validate(cls: type[Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return every parameter of `cls`, checked against its type hint and range, defaults filled in.

    What is given may be text (as from the command line), or of their own type (as from TOML or Python). `where` opens
    the message of the RequestError that a bad one raises.
    """
    known = fields(cls)
    for name in given:
        if name not in known:
            raise RequestError(
                f"{where}: there is no parameter {shown(name)}{did_you_mean(name, known)}; "
                f"the parameters are: {', '.join(known) or 'none'}"
            )
    hints = _hints(cls, where)
    return {name: _checked(name, field, hints[field.name], given, where) for name, field in known.items()}


def _checked(name: str, field: dataclasses.Field[Any], hint: Any, given: Mapping[str, Any], where: str) -> Any:
    """Return a parameter's value as its type hint has it; RequestError."""
    import pydantic

    if name not in given:
        if default(field) is dataclasses.MISSING:
            raise RequestError(f"{where}: {name}: field required")
        return default(field)
    try:
        adapter = pydantic.TypeAdapter(hint, config=pydantic.ConfigDict(allow_inf_nan=False))
        value = adapter.validate_python(_none(given[name], hint))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        message = first["msg"][0].lower() + first["msg"][1:]
        raise RequestError(f"{where}: {name}: {message} (it is {shown(first['input'])})") from None
    except pydantic.errors.PydanticUserError as error:
        first_line = str(error).splitlines()[0]
        raise RequestError(f"{where}: its class has a field that is no parameter ({first_line})") from None
    if isinstance(value, str) and _is_path(hint):
        return os.path.abspath(Path(value).expanduser())  # noqa: PTH100 - links stay as they are named
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise RequestError(f"{where}: {name}: it is {shown(value)}; give a smaller number")
    return value


def _none(value: Any, hint: Any) -> Any:
    if value != "none":
        return value
    inner = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return None if type(None) in get_args(inner) else value


def build(cls: type[Any], given: Mapping[str, Any], where: str) -> Any:
    """Return the configured object; what its own `__post_init__` refuses is a RequestError too."""
    known = fields(cls)
    try:
        return cls(**{known[name].name: value for name, value in validate(cls, given, where).items()})
    except RequestError:
        raise
    except (TypeError, ValueError) as error:
        raise RequestError(f"{where}: {error}") from error
    except Exception as error:
        raise RequestError(f"{where}: {reason(error)}") from error


def changed(component: Component, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the parameters whose value is not the default, in the order of the fields.

    The default is the class's, or the one that `defaults` (values of this component's parameters) puts in its place.
    """
    instead = defaults or {}
    given = {
        name
        for name, field in fields(type(component)).items()
        if getattr(component, field.name) != (instead[name] if name in instead else default(field))
    }
    return {name: value for name, value in values(component).items() if name in given}


def one_line_summary(cls: type[Any]) -> str:
    """Return the first sentence of a class's docstring."""
    text = " ".join((cls.__doc__ or "").split())
    return re.split(r"(?<!et al)\. ", text)[0].rstrip(".")


def as_choices(choice: str | Sequence[Any] | Mapping[str, Any]) -> list[Any]:
    """Accept ``"a,b"``, ``["a", "b", Mine(x=2)]`` and ``{"a": {"x": 1}}``; objects stay as they are."""
    if isinstance(choice, str):
        return split_list(choice)
    return [part for item in choice for part in (split_list(item) if isinstance(item, str) else [item])]


def validated(cls: type[Any], all_values: Mapping[str, Any], some: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `some` of a component's parameters come to, the others as in `all_values`."""
    checked = validate(cls, {**all_values, **some}, cls.__name__) if some else {}
    return {name: checked[name] for name in some}
