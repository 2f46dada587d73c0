"""Components as text: ``name[parameter=value,...]``, parsed, validated and written back in one place.

A component's parameters are the fields of its frozen dataclass. Text, TOML and Python all end in `validate`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, get_type_hints

from albench.errors import RequestError, did_you_mean

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_PARAMETER = re.compile(r'\s*(?P<key>\w+)\s*=\s*(?P<value>"(?:[^"\\]|\\.)*"|[^",\[\]]*)\s*(?:,|$)')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PLAIN = re.compile(r'[^",\[\]\s](?:[^",\[\]]*[^",\[\]\s])?')


@dataclasses.dataclass(frozen=True)
class Component(ABC):  # noqa: B024 - its kinds say what is abstract
    """What a plugin offers: a frozen dataclass whose fields are its parameters.

    `results_version` goes into the key of every cell: raise it when the component computes something else
    than before, and leave it alone otherwise, so that a new release does not throw results away.
    `expected_failures` names clauses of the contract that its author knows to fail, each with the reason.
    """

    results_version: ClassVar[int] = 1
    expected_failures: ClassVar[Mapping[str, str]] = {}


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


def parse(text: str) -> tuple[str, dict[str, str]]:
    """Split ``name[x=1,y="a,b"]`` into its name and its parameters as text.

    Raises RequestError when the text has another form.
    """
    name, bracket, rest = text.strip().partition("[")
    rest = rest.rstrip()
    if not NAME.fullmatch(name) or bool(bracket) != rest.endswith("]"):
        raise RequestError(
            f"{text!r} is not a component: write name or name[parameter=value,...], "
            "with a name of lower-case letters, digits, '.', '_' and '-'"
        )
    found: dict[str, str] = {}
    body, position = rest[:-1], 0
    while position < len(body):
        match = _PARAMETER.match(body, position)
        if not match or match["key"] in found:
            raise RequestError(
                f"{text!r}: cannot read the parameters at {body[position:]!r}; write parameter=value once each, "
                'separated by commas, a value that holds , " [ or ] in double quotes'
            )
        found[match["key"]] = _read_value(match["value"].strip(), text)
        position = match.end()
    return name, found


def _read_value(value: str, text: str) -> str:
    try:
        return str(json.loads(value)) if value.startswith('"') else value
    except ValueError:
        raise RequestError(f"{text!r}: {value} is no text in double quotes as in JSON") from None


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


def parameters(cls: type[Any]) -> dict[str, dataclasses.Field[Any]]:
    """Return the parameters of a component class by name, in the order of its fields.

    A parameter is named after its field, or after the field's metadata entry ``parameter`` where a method has that
    name.
    """
    if not dataclasses.is_dataclass(cls):
        raise RequestError(
            f"{cls.__module__}:{cls.__qualname__} is no component; derive it from the albench class of its kind"
        )
    fields = [field for field in dataclasses.fields(cls) if field.init]
    return {field.metadata.get("parameter", field.name): field for field in fields}


def values(component: Any) -> dict[str, Any]:
    """Return the value of each parameter of a configured component, by name, as JSON knows values."""
    from pydantic_core import to_jsonable_python

    found = {name: getattr(component, field.name) for name, field in parameters(type(component)).items()}
    return {name: to_jsonable_python(value) for name, value in found.items()}


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
    import pydantic

    fields = parameters(cls)
    for name in given:
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise RequestError(
                f"{where}: there is no parameter {name!r}{did_you_mean(name, fields)}; the parameters are: {known}"
            )
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise RequestError(f"{where}: a type hint of its class cannot be resolved ({error}); import it there") from None
    config = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False)
    shape: dict[str, Any] = {
        name: (hints[field.name], ... if default(field) is dataclasses.MISSING else default(field))
        for name, field in fields.items()
    }
    try:
        model = pydantic.create_model("Parameters", __config__=config, **shape)
        checked = model.model_validate({name: _none(value, shape[name][0]) for name, value in given.items()})
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        message = first["msg"][0].lower() + first["msg"][1:]
        shown = "" if first["type"] == "missing" else f" (it is {first['input']!r})"
        raise RequestError(f"{where}: {first['loc'][0]}: {message}{shown}") from None
    except pydantic.errors.PydanticUserError as error:
        first_line = str(error).splitlines()[0]
        raise RequestError(f"{where}: its class has a field that is no parameter ({first_line})") from None
    return {name: getattr(checked, name) for name in fields}


def _none(value: Any, hint: Any) -> Any:
    return None if value == "none" and type(None) in getattr(hint, "__args__", ()) else value


def build(cls: type[Any], given: Mapping[str, Any], where: str) -> Any:
    """Return the configured object; what its own `__post_init__` refuses is a RequestError too."""
    fields = parameters(cls)
    try:
        return cls(**{fields[name].name: value for name, value in validate(cls, given, where).items()})
    except (TypeError, ValueError) as error:
        raise RequestError(f"{where}: {error}") from error


def changed(component: Component) -> dict[str, Any]:
    """Return the parameters whose value is not the class's default, in the order of the fields."""
    fields = parameters(type(component))
    given = {name for name, field in fields.items() if getattr(component, field.name) != default(field)}
    return {name: value for name, value in values(component).items() if name in given}


def one_line_summary(cls: type[Any]) -> str:
    """Return the first sentence of a class's docstring."""
    text = " ".join((cls.__doc__ or "").split())
    return re.split(r"(?<!et al)\. ", text)[0].rstrip(".")


def as_texts(choice: str | Sequence[str]) -> list[str]:
    """Accept both ``"a,b"`` and ``["a", "b"]``."""
    return split_list(choice) if isinstance(choice, str) else [text for item in choice for text in split_list(item)]
