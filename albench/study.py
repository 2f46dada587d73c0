"""A study: a grid of cells under one protocol, read from a preset, a file and the command line.

The command line wins over the file, the file over the preset. Names come from the last of them that gives names;
parameters of a component are merged, and its brackets win.
"""

from __future__ import annotations

import operator
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench import components
from albench.components import as_texts, parse
from albench.errors import AlbenchError, DataError, RequestError, did_you_mean, reason
from albench.plugins import host
from albench.protocol import Protocol
from albench.spec import CellSpec, Choice

if TYPE_CHECKING:
    from albench.contracts.scenario import Scenario, Split

DEFAULT_PRESET = "quickstart"
Seeds = int | str | Sequence[int]


@dataclass(frozen=True)
class Request:
    """What a user asks for beyond a preset and a study file; None where they said nothing."""

    file: str | Path | None = None
    preset: str | None = None
    strategies: str | Sequence[str] | None = None
    scenarios: str | Sequence[str] | None = None
    network: str | None = None
    seeds: Seeds | None = None
    protocol: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Study:
    """What to run, validated: components, protocol and seeds."""

    name: str
    preset: str
    scenarios: tuple[Choice, ...]
    strategies: tuple[Choice, ...]
    network: Choice
    protocol: Protocol
    seeds: tuple[int, ...]

    def survey(self) -> dict[tuple[str, int], Survey]:
        """Look at the data of each (scenario's label, seed); RequestError when a split is not possible."""
        return {
            (scenario.label, seed): survey(scenario, seed, self.protocol)
            for scenario in self.scenarios
            for seed in self.seeds
        }

    def cells(self, surveys: Mapping[tuple[str, int], Survey] | None = None) -> list[CellSpec]:
        """Return the grid, strategy by strategy, so that the first cells start from different initial networks.

        The data's fingerprints are part of a cell: without `surveys` the data are looked at here.
        """
        found = surveys if surveys is not None else self.survey()
        return [
            CellSpec(scenario, strategy, self.network, self.protocol, seed, found[scenario.label, seed].fingerprint)
            for strategy in self.strategies
            for scenario in self.scenarios
            for seed in self.seeds
        ]


def presets() -> list[str]:
    """Return the names of the presets."""
    folder = files("albench") / "presets"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def read_preset(name: str) -> dict[str, Any]:
    """Return a preset's content; RequestError for an unknown one."""
    if name not in presets():
        raise RequestError(
            f"there is no preset {name!r}{did_you_mean(name, presets())}; the presets are: {', '.join(presets())}"
        )
    text = (files("albench") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    return _checked(tomllib.loads(text), f"preset {name!r}")


def read_study(request: Request) -> Study:
    """Return the study that a request describes; RequestError names what is wrong and where."""
    given = _read_file(Path(request.file)) if request.file is not None else {}
    preset = request.preset or given.get("preset") or DEFAULT_PRESET
    layers = [read_preset(preset), given]
    where = str(request.file) if request.file is not None else "the command line"
    protocol = _merged(layers, "protocol") | dict(request.protocol or {})
    return Study(
        name=given.get("name") or (Path(request.file).stem if request.file is not None else preset),
        preset=preset,
        scenarios=_choices("scenarios", request.scenarios, layers),
        strategies=_choices("strategies", request.strategies, layers),
        network=Choice.of(
            "networks", request.network or given.get("network") or layers[0].get("network") or "cifar10-quick"
        ),
        protocol=components.build(Protocol, protocol, "protocol"),
        seeds=_seeds(_first(request.seeds, given.get("seeds"), layers[0].get("seeds")), where),
    )


@dataclass(frozen=True)
class Survey:
    """What planning learns from a scenario's data for one seed."""

    fingerprint: str
    most_rounds: int  # rounds until no class has set_size images left in the pool


def survey(choice: Choice, seed: int, protocol: Protocol) -> Survey:
    """Look at a scenario's data for a seed, having checked that its split can be made and queried.

    Whatever a third party's scenario raises becomes a DataError that names it.
    """
    try:
        scenario: Scenario = choice.build()
        split = scenario.split(seed).check()
        fingerprint = scenario.fingerprint(seed)
    except AlbenchError:
        raise
    except Exception as error:
        owner = host().entry(choice.kind, choice.name).plugin
        raise DataError(
            f"scenario {choice.label!r} of {owner} cannot be split for seed {seed}: {reason(error)}"
        ) from error
    return Survey(fingerprint, _most_rounds(choice, split, protocol))


def _most_rounds(choice: Choice, split: Split, protocol: Protocol) -> int:
    import numpy as np

    counts = np.unique(split.labels[split.pool], return_counts=True)[1]
    most = counts.max()
    if protocol.set_size > most:
        raise RequestError(
            f"set_size={protocol.set_size}, and no class of scenario {choice.label!r} has more than {most} images in "
            f"the pool; ask for --set set_size={most} or less"
        )
    return int((counts // protocol.set_size).sum())


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return _checked(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except FileNotFoundError:
        raise RequestError(
            f"there is no study file {path}; give a TOML file, or options such as --strategies"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RequestError(f"{path} is no readable TOML file: {error}") from None


def _checked(content: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a study file's content, checked key by key."""
    import pydantic

    named = list[str] | dict[str, dict[str, Any]] | None
    shape: dict[str, Any] = {
        "description": (str | None, None),
        "name": (str | None, None),
        "preset": (str | None, None),
        "strategies": (named, None),
        "scenarios": (named, None),
        "network": (str | None, None),
        "seeds": (int | list[int] | None, None),
        "protocol": (dict[str, Any], {}),
    }
    for key in content:
        if key not in shape:
            raise RequestError(
                f"{where}: there is no key {key!r}{did_you_mean(key, shape)}; the keys are: {', '.join(shape)}"
            )
    model = pydantic.create_model("StudyFile", __config__=pydantic.ConfigDict(extra="forbid", strict=True), **shape)
    try:
        model.model_validate(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or "[" not in str(part))
        raise RequestError(f"{where}: {place}: {first['msg'].lower()} (it is {first['input']!r})") from None
    return content


def _merged(layers: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for layer in layers:
        result |= layer.get(key) or {}
    return result


def _choices(kind: str, wanted: str | Sequence[str] | None, layers: Sequence[Mapping[str, Any]]) -> tuple[Choice, ...]:
    """Return the components to run: names of the last layer that has some, parameters of all."""
    tables = [layer[kind] for layer in layers if isinstance(layer.get(kind), dict)]
    named = [list(layer[kind]) for layer in layers if layer.get(kind)]
    texts = as_texts(wanted) if wanted is not None else (named[-1] if named else [])
    if not texts:
        raise RequestError(
            f"no {kind} are asked for; name some with --{kind}, installed are: {', '.join(host().names(kind))}"
        )
    choices: dict[str, Choice] = {}
    for text in texts:
        name, _ = parse(text)
        choice = Choice.of(kind, text, {key: value for table in tables for key, value in table.get(name, {}).items()})
        choices[choice.label] = choice
    return tuple(choices.values())


def _first(*values: Seeds | None) -> Seeds:
    return next((value for value in values if value is not None), 1)


def _seeds(wanted: Seeds, where: str) -> tuple[int, ...]:
    """Return seeds from a count (3 means 0, 1, 2), or from a list ("0,3,7"; "3," is seed 3 alone)."""
    try:
        given = _numbers(wanted) if isinstance(wanted, str) else wanted
        listed = given if isinstance(given, Sequence) else range(operator.index(given))
        chosen = tuple(dict.fromkeys(operator.index(seed) for seed in listed))
    except (TypeError, ValueError):
        raise RequestError(
            f"{where}: seeds: {wanted!r} is neither a number of seeds nor a list such as 0,3,7"
        ) from None
    if not chosen or min(chosen) < 0:
        raise RequestError(
            f"{where}: seeds: {wanted!r}; give a number of seeds from 1 up, or a list of numbers from 0 up"
        )
    return chosen


def _numbers(text: str) -> int | list[int]:
    return [int(part) for part in text.split(",") if part.strip()] if "," in text else int(text)
