"""What presets, study files and options say, checked: the layers from which a study is read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from albench.errors import RequestError, did_you_mean, shown
from albench.plugins import parameters
from albench.plugins.host import host
from albench.study.spec import KIND_OF

KEYS = {
    "strategies": "strategies",
    "scenarios": "scenarios",
    "protocol": "protocols",
    "learner": "learners",
    "network": "networks",
}
SETTING_KEYS = {part if part != "scenario" else "scenarios": part for part in KIND_OF}  # key of a file -> part
ABOUT = ("asks", "needs", "cost")  # what a preset says of itself in a few words; its cost on two CPU cores
LONGEST_NAME = 200  # bytes; a file system allows 255, and a study's name is only a part of some

Layer = Mapping[str, Any]


def presets() -> list[str]:
    """Return the names of the presets."""
    folder = files("albench.study") / "presets"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def read_preset(name: str) -> dict[str, Any]:
    """Return a preset's content; RequestError for an unknown one."""
    if name not in presets():
        raise RequestError(
            f"there is no preset {shown(name)}{did_you_mean(name, presets())}; the presets are: {', '.join(presets())}"
        )
    text = (files("albench.study") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    about = {key: content.pop(key) for key in ABOUT}
    return {**_checked(content, f"preset {name!r}"), **about}


def read_file(path: Path) -> dict[str, Any]:
    """Return a study file's content; paths of components in it are taken from its folder. RequestError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return placed(_checked(content, str(path)), path.resolve().parent)
    except FileNotFoundError:
        raise RequestError(
            f"there is no study file {path}; give a TOML file, or options such as --strategies"
        ) from None
    except RecursionError:
        raise RequestError(f"{path} is no readable TOML file: it is nested too deeply") from None
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} is no readable TOML file: {error}") from None


def study_name(name: str, where: str) -> str:
    """Return a study's name, which is that of a folder in runs/; RequestError for one that would lie elsewhere."""
    plain = name.isprintable() and not set(name) & set("/\\") and name.strip(". ") != ""
    if not plain or len(name.encode(errors="surrogatepass")) > LONGEST_NAME:
        raise RequestError(
            f"{where}: name: {shown(name)} cannot name a folder in runs/; use letters, digits and spaces, at most "
            f"{LONGEST_NAME} bytes, or give a folder with --store"
        )
    return name


def names(layer: Layer, key: str) -> list[Any]:
    """Return the components that a layer names under a key, in order; none where it says nothing."""
    value = layer.get(key)
    if value is None:
        return []
    if isinstance(value, _Placed):
        return list(value)
    if isinstance(value, (str, list, tuple, dict)):
        return parameters.as_choices(value)
    return [value]


def tables(layers: Sequence[Layer], key: str, name: str) -> dict[str, Any]:
    """Return the parameters that tables of layers give a component, later layers last."""
    found: dict[str, Any] = {}
    for layer in layers:
        if isinstance(layer.get(key), dict):
            found |= layer[key].get(name) or {}
    return found


def _checked(content: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a study file's content, checked key by key."""
    import pydantic

    named = str | list[str] | dict[str, dict[str, Any]] | None
    settings: dict[str, Any] = dict.fromkeys(SETTING_KEYS, (named, None))
    config = pydantic.ConfigDict(extra="forbid", strict=True)
    one_setting = pydantic.create_model("Setting", __config__=config, **settings)
    shape: dict[str, Any] = {
        "description": (str | None, None),
        "name": (str | None, None),
        "preset": (str | None, None),
        "strategies": (named, None),
        **settings,
        "settings": (list[one_setting] | None, None),  # type: ignore[valid-type]
        "seeds": (int | list[int] | str | None, None),
        "rounds": (int | Literal["none"] | None, None),
    }
    check_keys(content, list(shape), where)
    for place, entry in enumerate(content.get("settings") or []):
        if isinstance(entry, dict):
            check_keys(entry, list(settings), f"{where}: settings {place + 1}")
    model = pydantic.create_model("StudyFile", __config__=config, **shape)
    try:
        model.model_validate(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        spot = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or "[" not in str(part))
        raise RequestError(f"{where}: {spot}: {first['msg'].lower()} (it is {shown(first['input'])})") from None
    return content


def check_keys(content: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Raise RequestError for a key that is not known, and for a parameter without a component."""
    for key, value in content.items():
        if key not in known:
            raise RequestError(
                f"{where}: there is no key {shown(key)}{did_you_mean(key, known)}; the keys are: {', '.join(known)}"
            )
        if key in KEYS and isinstance(value, dict):
            alone = next((name for name, table in value.items() if not isinstance(table, dict)), None)
            if alone is not None:
                raise RequestError(
                    f"{where}: {key}: {alone!r} has no component; write it below one that has this parameter, as in "
                    "[protocol.discovery] or [learner.finetune], and rounds at the top of the file"
                )


class _Placed(tuple[Any, ...]):
    """Components of a list that is split already: paths in it may hold commas."""

    __slots__ = ()


def placed(layer: Layer, folder: Path) -> dict[str, Any]:
    """Return a layer whose paths, of components in files and of their parameters, are taken from a folder."""

    def place(key: str, value: Any) -> Any:
        kind = KEYS.get(key)
        if kind is None:
            return value
        if isinstance(value, (str, list, tuple)):
            named = parameters.as_choices(value)
            return _Placed(_placed_text(kind, item, folder) if isinstance(item, str) else item for item in named)
        if isinstance(value, dict):
            at = {parameters.placed(name, folder): table for name, table in value.items()}
            return {name: _placed_values(kind, name, table or {}, folder) for name, table in at.items()}
        return value

    result = {key: place(key, value) for key, value in layer.items()}
    if layer.get("settings"):
        result["settings"] = [{key: place(key, value) for key, value in entry.items()} for entry in layer["settings"]]
    return result


def _placed_text(kind: str, text: str, folder: Path) -> str:
    placed = parameters.placed(text, folder)
    if "[" not in placed:
        return placed
    name, given = parameters.parse(placed)
    values = _placed_values(kind, name, given, folder)
    return parameters.write(name, values) if values != given else placed


def _placed_values(kind: str, name: str, given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return parameters with those that name files or folders taken from a folder."""
    try:
        paths = parameters.path_parameters(host().component_class(kind, name)) if given else set()
    except RequestError:  # said where the component is used
        paths = set()
    found = {key: value for key, value in given.items() if key in paths and isinstance(value, str) and value != "none"}
    return {**given, **{key: str(folder / Path(value).expanduser()) for key, value in found.items()}}
