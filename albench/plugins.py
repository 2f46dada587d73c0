"""Entry points -> components; one bad plugin never stops the rest."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from albench import components, hookspecs
from albench.components import Component
from albench.errors import RequestError, did_you_mean, reason

GROUP = "albench"
HOOKS = {
    "strategies": "albench_strategies",
    "scenarios": "albench_scenarios",
    "networks": "albench_networks",
    "report-sections": "albench_report_sections",
    "report-formats": "albench_report_formats",
    "executors": "albench_executors",
}
SINGULAR = {
    "strategies": "strategy",
    "scenarios": "scenario",
    "networks": "network",
    "report-sections": "report section",
    "report-formats": "report format",
    "executors": "executor",
}
CONTRACTS = {
    "strategies": "Strategy",
    "scenarios": "Scenario",
    "networks": "Network",
    "report-sections": "ReportSection",
    "report-formats": "ReportFormat",
    "executors": "Executor",
}
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class Plugin:
    """An entry point of the group ``albench`` and the distribution that declares it."""

    name: str
    distribution: str
    version: str
    target: str

    def __str__(self) -> str:
        return f"plugin {self.name!r} of {self.distribution} {self.version}".rstrip()


@dataclass(frozen=True)
class Entry:
    """A component that a plugin offers, not yet imported."""

    kind: str
    name: str
    target: str
    plugin: Plugin


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a plugin: which, what, and what its author can do."""

    plugin: Plugin
    message: str

    def __str__(self) -> str:
        return f"{self.plugin}: {self.message}"


@dataclass
class PluginHost:
    """The plugins that could be loaded, what they offer, and what is wrong with the others."""

    problems: list[Problem] = field(default_factory=list)
    plugins: list[Plugin] = field(default_factory=list)
    entries: dict[str, dict[str, list[Entry]]] = field(default_factory=lambda: {kind: {} for kind in HOOKS})
    _manager: pluggy.PluginManager = field(default_factory=lambda: pluggy.PluginManager(GROUP))
    _modules: dict[Plugin, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._manager.add_hookspecs(hookspecs)
        for plugin, point in _discover(self.problems):
            self._register(plugin, point)
        for plugin in self.plugins:
            for kind in HOOKS:
                self._collect(plugin, kind)
        self._report_collisions()

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind, sorted."""
        return sorted(self.entries[kind])

    def all_entries(self, kinds: list[str] | None = None) -> list[Entry]:
        """Return every entry of the kinds, by kind and name; a name taken twice appears twice."""
        return [entry for kind in kinds or HOOKS for name in self.names(kind) for entry in self.entries[kind][name]]

    def entry(self, kind: str, name: str) -> Entry:
        """Return the one component of that name, or raise a RequestError that helps to find it."""
        found = self.entries[kind].get(name, [])
        if len(found) > 1:
            owners = " and ".join(str(entry.plugin) for entry in found)
            raise RequestError(
                f"the {SINGULAR[kind]} name {name!r} is taken by {owners}; uninstall one of them, or name the "
                "plugins to load in ALBENCH_PLUGINS"
            )
        if not found:
            failed = "; ".join(str(problem) for problem in self.problems)
            raise RequestError(
                f"there is no {SINGULAR[kind]} {name!r}{did_you_mean(name, self.names(kind))}; "
                f"installed are: {', '.join(self.names(kind)) or 'none'}"
                + (f" (and these plugins have problems: {failed})" if failed else "")
            )
        return found[0]

    def component_class(self, kind: str, name: str) -> type[Component]:
        """Import and return a component's class; whatever its import raises becomes a RequestError."""
        entry = self.entry(kind, name)
        module, _, attribute = entry.target.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except Exception as error:
            raise RequestError(
                f"the {SINGULAR[kind]} {name!r} ({entry.target}) of {entry.plugin} cannot be imported: "
                f"{reason(error)}; mend or uninstall {entry.plugin.distribution}"
            ) from error
        if not (isinstance(found, type) and issubclass(found, _contract(kind))):
            raise RequestError(
                f"the {SINGULAR[kind]} {name!r} ({entry.target}) of {entry.plugin} is no class derived from "
                f"albench.{CONTRACTS[kind]}"
            )
        return found

    def configure(self, kind: str, text: str, defaults: Mapping[str, Any] | None = None) -> Any:
        """Return the configured object for ``name[x=1]``; the brackets win over `defaults`."""
        name, values = components.parse(text)
        return self.build(kind, name, {**(defaults or {}), **values})

    def build(self, kind: str, name: str, values: Mapping[str, Any]) -> Any:
        """Return the component `name` with these parameters, validated."""
        return components.build(self.component_class(kind, name), values, f"{SINGULAR[kind]} {name!r}")

    def round_recorded(self, cell: Mapping[str, Any], record: Mapping[str, Any]) -> list[Problem]:
        """Tell every observer of a round; return what went wrong instead of raising it."""
        problems: list[Problem] = []
        for plugin in self.plugins:
            try:
                self._caller("albench_round_recorded", plugin)(cell=cell, record=record)
            except Exception as error:  # noqa: BLE001 - an observer must never cost a result
                problems.append(Problem(plugin, f"albench_round_recorded raised {reason(error)}"))
        return problems

    def _register(self, plugin: Plugin, point: EntryPoint) -> None:
        try:
            module = point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises on import is its problem
            self._problem(plugin, f"{plugin.target} cannot be imported ({reason(error)}); mend or uninstall it")
            return
        label = f"{plugin.distribution}:{plugin.name}"
        try:
            self._manager.register(module, name=label)
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._manager.get_plugin(label) is module:  # pluggy keeps what it registered before it refused
                self._manager.unregister(name=label)
            self._problem(plugin, f"{reason(error)}; compare the arguments with docs/plugins.md")
            return
        self.plugins.append(plugin)
        self._modules[plugin] = module
        self._check_hook_names(plugin, module)

    def _check_hook_names(self, plugin: Plugin, module: object) -> None:
        known = [*HOOKS.values(), "albench_round_recorded"]
        for caller in self._manager.get_hookcallers(module) or []:
            if not caller.has_spec() and not all(impl.optionalhook for impl in caller.get_hookimpls()):
                self._problem(plugin, f"there is no hook {caller.name!r}{did_you_mean(caller.name, known)}")

    def _caller(self, hook: str, plugin: Plugin) -> pluggy.HookCaller:
        others = [module for owner, module in self._modules.items() if owner != plugin]
        return self._manager.subset_hook_caller(hook, others)

    def _collect(self, plugin: Plugin, kind: str) -> None:
        hook = HOOKS[kind]
        try:
            mappings = self._caller(hook, plugin)()
        except Exception as error:  # noqa: BLE001 - see the module's first line
            self._problem(plugin, f"{hook} raised {reason(error)}")
            return
        for mapping in mappings:
            if not isinstance(mapping, Mapping):
                self._problem(
                    plugin,
                    f"{hook} returned a {type(mapping).__name__}; return a mapping of names to targets",
                )
                continue
            for name, target in mapping.items():
                self._add(plugin, kind, name, target)

    def _add(self, plugin: Plugin, kind: str, name: object, target: object) -> None:
        if not (isinstance(name, str) and components.NAME.fullmatch(name)):
            self._problem(plugin, f"{HOOKS[kind]} offers the name {name!r}; names match {components.NAME.pattern}")
        elif not (isinstance(target, str) and _TARGET.fullmatch(target)):
            self._problem(plugin, f"{HOOKS[kind]} maps {name!r} to {target!r}; write it as 'package.module:Class'")
        else:
            self.entries[kind].setdefault(name, []).append(Entry(kind, name, target, plugin))

    def _report_collisions(self) -> None:
        for kind, by_name in self.entries.items():
            for name, found in by_name.items():
                for entry in found[1:]:
                    self._problem(
                        entry.plugin,
                        f"offers the {SINGULAR[kind]} {name!r}, which {found[0].plugin} offers too; "
                        "neither can be used while both are installed",
                    )

    def _problem(self, plugin: Plugin, message: str) -> None:
        self.problems.append(Problem(plugin, message))


def _contract(kind: str) -> type[Component]:
    """Return the class that components of a kind derive from; imported late, as everything behind a name."""
    contract: type[Component] = getattr(importlib.import_module("albench"), CONTRACTS[kind])
    return contract


def _discover(problems: list[Problem]) -> Iterator[tuple[Plugin, EntryPoint]]:
    """Yield the entry points to load; two of one name from different distributions are a problem, yet both load."""
    wanted = os.environ.get("ALBENCH_PLUGINS")
    chosen = None if wanted is None else {name.strip() for name in wanted.split(",") if name.strip()}
    seen: dict[str, Plugin] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        distribution = point.dist
        name, version = (distribution.name, distribution.version) if distribution else ("an unknown distribution", "?")
        plugin = Plugin(point.name, name, version, point.value)
        if (chosen is not None and point.name not in chosen) or plugin in seen.values():
            continue
        if point.name in seen:
            problems.append(
                Problem(plugin, f"has the entry-point name of {seen[point.name]}; name it after its own package")
            )
        seen.setdefault(point.name, plugin)
        yield plugin, point
    for name in sorted((chosen or set()) - set(seen)):
        nobody = Plugin(name, "no installed distribution", "", "")
        problems.append(Problem(nobody, "is named in ALBENCH_PLUGINS; install it or take it off the list"))


@cache
def host() -> PluginHost:
    """Return the host of this process; its plugins are looked up once."""
    return PluginHost()
