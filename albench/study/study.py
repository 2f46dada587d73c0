"""A study: settings x strategies x seeds, read from a preset, a file and the command line.

The command line wins over the file, the file over the preset. Names come from the last of them that gives names;
parameters of a component are merged, and its brackets win.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from albench.contracts.component import Component
from albench.errors import RequestError, did_you_mean, reason, shown
from albench.plugins import parameters
from albench.plugins.host import host
from albench.study.choice import Choice
from albench.study.layers import (
    KEYS,
    SETTING_KEYS,
    Layer,
    check_keys,
    names,
    placed,
    read_file,
    read_preset,
    study_name,
    tables,
)
from albench.study.seeds import Seeds, read_seeds
from albench.study.spec import DEFAULTS, CellSpec, Setting
from albench.study.survey import Survey, surveys

DEFAULT_PRESET = "quickstart"
Named = str | Component | Sequence[str | Component] | Mapping[str, Mapping[str, Any]]
Surveys = Mapping[tuple[str, int], Survey]  # by the scenario's label and the seed


@dataclass(frozen=True)
class Request:
    """What a user asks for beyond a preset and a study file; None where they said nothing."""

    file: str | Path | None = None
    preset: str | None = None
    strategies: Named | None = None
    scenarios: Named | None = None
    protocol: Named | None = None
    learner: Named | None = None
    network: Named | None = None
    seeds: Seeds | None = None
    rounds: int | str | None = None  # none in words: until the pool is exhausted
    values: Mapping[str, Any] = field(default_factory=dict)  # of --set: parameters by their names, and rounds


@dataclass(frozen=True)
class Study:
    """What to run, validated."""

    name: str
    preset: str
    settings: tuple[Setting, ...]
    strategies: tuple[Choice, ...]
    seeds: tuple[int, ...]
    rounds: int | None  # none: until the pool is exhausted; no part of any identity

    @property
    def scenarios(self) -> dict[str, Choice]:
        """The scenarios of the settings, by label."""
        return {setting.scenario.label: setting.scenario for setting in self.settings}

    @property
    def choices(self) -> list[Choice]:
        """Every component that takes part."""
        return [*self.strategies, *(choice for setting in self.settings for choice in setting.parts().values())]

    @property
    def asked(self) -> dict[str, str]:
        """What a cell remembers of the study that asked for it."""
        return {"name": self.name, "preset": self.preset}

    def survey(self) -> Surveys:
        """Look at the data of each (scenario's label, seed); RequestError when a setting cannot be run on them."""
        by_scenario = {
            label: [setting for setting in self.settings if setting.scenario.label == label] for label in self.scenarios
        }
        return {
            (label, seed): found
            for label, scenario in self.scenarios.items()
            for seed, found in surveys(scenario, self.seeds, by_scenario[label])
        }

    def cells(self, surveyed: Surveys | None = None) -> list[CellSpec]:
        """Return the grid, strategy by strategy, so that the first cells start from different initial networks.

        The data's fingerprints are part of a cell: without `surveyed` the data are looked at here.
        """
        found = surveyed if surveyed is not None else self.survey()
        return [
            CellSpec(setting, strategy, seed, found[setting.scenario.label, seed].fingerprint)
            for strategy in self.strategies
            for setting in self.settings
            for seed in self.seeds
        ]


def read_study(request: Request) -> Study:
    """Return the study that a request describes; RequestError names what is wrong and where."""
    given = read_file(Path(request.file)) if request.file is not None else {}
    where = str(request.file) if request.file is not None else "the command line"
    preset = request.preset or given.get("preset") or DEFAULT_PRESET
    asked = {key: getattr(request, key) for key in KEYS if getattr(request, key) is not None}
    check_keys(asked, list(KEYS), where)
    for key in asked:
        if not names(asked, key):
            raise RequestError(f"{where}: {key}: it names nothing; leave it out, or name something")
    layers: list[Layer] = [read_preset(preset), given, placed(asked, Path.cwd())]
    values = {name: value for name, value in request.values.items() if name != "rounds"}
    name = given.get("name") or (Path(request.file).stem if request.file is not None else preset)
    study = Study(
        name=study_name(name, where),
        preset=preset,
        settings=_settings(layers, values),
        strategies=choices("strategies", layers, {}),
        seeds=read_seeds(_first([request.seeds, given.get("seeds"), layers[0].get("seeds")]), where),
        rounds=_rounds(request, layers, where),
    )
    _check_asking(study)
    return study


def _settings(layers: Sequence[Layer], values: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Return the product of scenarios, protocols, learners and networks, of each entry of ``[[settings]]`` in turn."""
    *before, asked = layers
    entries: list[Layer] = next((layer["settings"] for layer in reversed(before) if layer.get("settings")), [{}])
    reached: set[str] = set()
    found: dict[str, Setting] = {}
    for entry in entries:
        lists = [choices(key, [*before, entry, asked], values, reached) for key in SETTING_KEYS]
        for parts in product(*lists):
            setting = Setting(*parts)
            if found.setdefault(setting.label, setting) != setting:
                raise RequestError(f"two settings have the label {setting.label!r} and are not the same; rename a part")
    for name in values:
        if name not in reached:
            raise RequestError(unreached(name, (part for one in found.values() for part in one.parts().values())))
    return tuple(found.values())


def unreached(name: str, of: Iterable[Choice]) -> str:
    """Return what is said of a --set value that none of some components has."""
    chosen = {choice.label: choice for choice in of}
    known = {name for choice in chosen.values() for name in choice.parameters} | {"rounds"}
    return (
        f"--set {shown(name)}: none of {', '.join(chosen)} has this parameter{did_you_mean(name, known)}; "
        f"they have: {', '.join(sorted(known))}"
    )


def _names(key: str, layers: Sequence[Layer]) -> tuple[list[Any], bool]:
    """Return the components that the last layer with some names, else the default of the part.

    The second value says whether it is the last layer of all, the command line.
    """
    named = [found for layer in layers if (found := names(layer, key))]
    if named:
        return named[-1], bool(names(layers[-1], key))
    if SETTING_KEYS.get(key) in DEFAULTS:
        return [DEFAULTS[SETTING_KEYS[key]]], False
    raise RequestError(f"no {key} are asked for; name some with --{key}; {host().installed(KEYS[key])}")


def choices(
    key: str, layers: Sequence[Layer], values: Mapping[str, Any], reached: set[str] | None = None
) -> tuple[Choice, ...]:
    """Return the configured components that layers name under a key; `reached` takes up the values that had an effect.

    Brackets win over --set where both are of the command line, and over tables.
    """
    kind = KEYS[key]
    choices: dict[str, Choice] = {}
    named, of_command_line = _names(key, layers)
    for what in named:
        name, given, cls = _named(kind, key, what)
        own = {parameter: value for parameter, value in values.items() if parameter in parameters.fields(cls)}
        if reached is not None:
            reached.update(own)
        given = {**own, **given} if of_command_line else {**given, **own}
        if isinstance(what, str):
            choice = Choice.of(kind, name, {**tables(layers, key, name), **given})
        else:
            choice = Choice.of(kind, parameters.build(cls, given, name))
        other = choices.setdefault(choice.label, choice)
        if (other.version, other.source, other.paths) != (choice.version, choice.source, choice.paths):
            mend = "give one a name" if choice.paths else "rename one"
            raise RequestError(f"{key}: two of them have the label {choice.label!r} and are not the same; {mend}")
    return tuple(choices.values())


def _named(kind: str, key: str, what: Any) -> tuple[str, dict[str, Any], type[Component]]:
    """Return the name, the given parameters and the class of a component that is named by a text, or configured."""
    if isinstance(what, str):
        name, given = parameters.parse(what)
        return name, dict(given), host().component_class(kind, name)
    if isinstance(what, Component):
        host().check(kind, type(what), type(what).__name__)
        return type(what).__name__, parameters.changed(what), type(what)
    raise RequestError(f"{key}: {shown(what)} is no text and no configured component; write a name")


def _rounds(request: Request, layers: Sequence[Layer], where: str) -> int | None:
    """Return the number of rounds: as asked for by --rounds or --set, else of the file, else of the preset."""
    given = [request.rounds, request.values.get("rounds"), *(layer.get("rounds") for layer in reversed(layers[:-1]))]
    wanted = next((value for value in given if value is not None), "none")
    if wanted == "none":
        return None
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
        raise RequestError(f"{where}: rounds: {shown(wanted)} is no number of rounds; give one from 1 up, or none")
    return wanted


def _check_asking(study: Study) -> None:
    """Raise RequestError for a strategy that a protocol cannot ask."""
    for protocol in {setting.protocol.label: setting.protocol for setting in study.settings}.values():
        for strategy in study.strategies:
            try:
                protocol.build().check(strategy.build())
            except Exception as error:
                raise RequestError(f"{strategy.label} cannot be asked by {protocol.label}: {reason(error)}") from error


def _first(values: Sequence[Seeds | None]) -> Seeds:
    return next((value for value in values if value is not None), 1)
