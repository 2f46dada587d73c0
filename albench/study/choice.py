"""A component as a study names it: where its class is, all its parameters, and what stands for it in keys."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from albench.contracts.component import Component
from albench.datadir import given_data
from albench.errors import DataError, RequestError
from albench.hookspecs import KINDS
from albench.plugins import parameters
from albench.plugins.contents import SHOWN_DIGITS, content_digest
from albench.plugins.entries import Entry
from albench.plugins.host import host
from albench.plugins.identity import code_identity, is_outdated
from albench.plugins.sources import file_of

HERE = "this process"  # the source of a class that no file holds

_paths: dict[tuple[str, str], Mapping[str, str]] = {}  # by kind and label: what this process was given


@dataclass(frozen=True)
class Choice:
    """A component with all its parameters, as plain values, and the label that results carry.

    `paths` are the parameters that name files or folders, which are not in `parameters`. In their place `changed` has
    the SHA-256 of what is there, and the label its first digits; not of a scenario, whose data have a fingerprint.
    `source` is empty for a component that a plugin offers, the path of the file for one that a file defines, and HERE
    for a class that only the calling process knows. `version` stands for its code.
    """

    kind: str
    name: str
    parameters: Mapping[str, Any]
    changed: Mapping[str, Any]  # those that differ from the class's defaults: what keys hold
    label: str  # names those that differ from the defaults of the name
    version: int | str
    source: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: str, what: str | Component, defaults: Mapping[str, Any] | None = None) -> Choice:
        """Configure a component from its text, or take a configured one; see `PluginHost.configure`."""
        if isinstance(what, Component):
            return cls._of_object(kind, what)
        name, _ = parameters.parse(what)
        component = host().configure(kind, what, defaults)
        source = parameters.file_and_class(name)
        if source is not None:
            return cls._outside(kind, source[1], component, str(Path(source[0]).resolve()))
        return cls._offered(kind, name, component)

    def build(self) -> Any:
        """Return the configured object; RequestError where its code or a file of it has changed since it was chosen."""
        given = {**self.parameters, **self.paths}
        for key, digest in _contents(self.kind, self.name, self.paths).items():
            if digest != self.changed[key]:
                raise RequestError(f"{self.paths[key]} has changed since the run was planned; run it again")
        if self.source == HERE:
            return host().build_added(self.kind, self.name, self.version, given)
        if not self.source:
            host().entry(self.kind, self.name)  # a name that is none of a plugin must not name a file
        name = f"{self.source}:{self.name}" if self.source else self.name
        component = host().build(self.kind, name, given)
        where = _where(self.kind, self.name, self.source)
        if code_identity(type(component), *where) != self.version:
            raise RequestError(
                f"{_code_of(type(component), self.source)} has changed since the run was planned; run it again"
            )
        _check_imported(type(component), self.source, where)
        return component

    def owner(self) -> str:
        """Return who offers it, in words."""
        return self.source or str(host().entry(self.kind, self.name).plugin)

    def distributions(self) -> list[str]:
        """Return the distribution that it comes from, none for a file or an object."""
        return [] if self.source else [host().entry(self.kind, self.name).plugin.distribution]

    def identity(self, without: frozenset[str] = frozenset()) -> list[Any]:
        """Return what of it a key depends on, some parameters left out."""
        changed = {name: value for name, value in self.changed.items() if name not in without}
        return [self.name, changed, self.version]

    def stored(self) -> dict[str, Any]:
        """Return it as a store keeps it: without a path, which means nothing elsewhere, and which nobody may trust."""
        whole = {**asdict(self), "source": Path(self.source).name if self.source else ""}
        del whole["paths"]
        return whole

    @classmethod
    def _of_object(cls, kind: str, component: Component) -> Choice:
        kept = type(component)
        target = (kept.__module__, kept.__qualname__)
        offered = [entry.name for entry in host().all_entries([kind]) if (entry.module, entry.attribute) == target]
        if offered:
            return cls._offered(kind, _closest(kind, offered, component), component)
        path = file_of(kept)
        return cls._outside(kind, kept.__name__, component, str(path) if path else HERE)

    @classmethod
    def _offered(cls, kind: str, name: str, component: Component) -> Choice:
        return cls._make(kind, name, component, _defaults(kind, name, component))

    @classmethod
    def _outside(cls, kind: str, name: str, component: Component, source: str) -> Choice:
        """Return the choice of a class that no plugin offers; its name must not be one that a plugin has."""
        if host().entries[kind].get(name):
            owner = host().entries[kind][name][0].plugin
            raise RequestError(f"the class {name} of {source} has the name of a component of {owner}; give it another")
        choice = cls._make(kind, name, component, None, source)
        if source == HERE:
            host().add(kind, type(component), choice.version)
        return choice

    @classmethod
    def _make(
        cls, kind: str, name: str, component: Component, defaults: Mapping[str, Any] | None, source: str = ""
    ) -> Choice:
        where = _where(kind, name, source)
        version = code_identity(type(component), *where)
        _check_imported(type(component), source, where)
        given = parameters.values(component)
        named = [key for key in parameters.path_parameters(type(component)) if given[key] is not None]
        paths = {key: os.path.abspath(given.pop(key)) for key in named}  # noqa: PTH100 - links stay as they are named
        contents = _contents(kind, name, paths)
        short = {key: digest[:SHOWN_DIGITS] for key, digest in contents.items()}
        label = parameters.write(name, {**_named(component, defaults), **short})
        if paths:
            _paths[kind, label] = paths
        return cls(kind, name, given, {**_named(component), **contents}, label, version, source, paths)


def _contents(kind: str, name: str, paths: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 of what is at each path, none for a scenario, whose data have a fingerprint; RequestError."""
    if kind == "scenarios":
        return {}
    return {key: content_digest(path, f"{KINDS[kind].singular} {name!r}: {key}") for key, path in paths.items()}


def paths_here(kind: str, name: str, label: str) -> dict[str, str]:
    """Return the paths that this process was given for a component of a label, else the folder of --data for each."""
    paths = parameters.path_parameters(host().component_class(kind, name))
    here = given_data()
    if paths and (kind, label) not in _paths and here is None:
        raise DataError(f"nothing says where the data of {label} are; give them with --data")
    return dict(_paths.get((kind, label)) or dict.fromkeys(paths, str(here)))


def _named(component: Component, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the parameters that labels and keys hold: those that are not at their defaults and are no paths."""
    paths = parameters.path_parameters(type(component))
    return {name: value for name, value in parameters.changed(component, defaults).items() if name not in paths}


def _where(kind: str, name: str, source: str) -> tuple[Entry | None, Path | None]:
    """Return what offers a component and the file that defines it: one of the two, neither for a class of HERE."""
    if source in ("", HERE):
        return (None if source else host().entry(kind, name)), None
    return None, Path(source)


def _check_imported(cls: type[Component], source: str, where: tuple[Entry | None, Path | None]) -> None:
    """Raise RequestError for a class whose source has changed since: it would run old code under the key of the new."""
    if is_outdated(cls, *where):
        raise RequestError(
            f"{_code_of(cls, source)} has changed since this process imported it; start a new process, or reload the "
            "module and those that it imports"
        )


def _code_of(cls: type[Component], source: str) -> str:
    return source if source not in ("", HERE) else f"the code of {cls.__module__}:{cls.__qualname__}"


def _defaults(kind: str, name: str, component: Component) -> dict[str, Any]:
    """Return what the target of a name sets in place of the class's defaults."""
    return parameters.validated(type(component), parameters.values(component), host().defaults(kind, name))


def _closest(kind: str, names: Sequence[str], component: Component) -> str:
    """Return the name of a class whose defaults an object has, the most of them; else the one that sets fewest."""

    def distance(name: str) -> tuple[int, int]:
        instead = _defaults(kind, name, component)
        fields = parameters.fields(type(component))
        others = sum(getattr(component, fields[parameter].name) != value for parameter, value in instead.items())
        return others, -len(instead)

    return min(names, key=distance)
