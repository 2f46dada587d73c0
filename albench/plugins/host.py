"""Entry points -> components; one bad plugin never stops the rest."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pluggy

from albench import hookspecs
from albench.contracts.component import Component
from albench.errors import RequestError, did_you_mean, reason, shown
from albench.hookspecs import KINDS
from albench.plugins import parameters
from albench.plugins.entries import GROUP, Entry, Plugin, Problem, discover
from albench.plugins.sources import load_class

MOST_NAMED = 20  # names that an error lists; more are for `albench list`
_TARGET = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<attribute>[A-Za-z_][\w.]*)(?P<defaults>\[.*\])?", re.DOTALL)


@dataclass
class PluginHost:
    """The plugins that could be loaded, what they offer, and what is wrong with the others."""

    problems: list[Problem] = field(default_factory=list)
    plugins: list[Plugin] = field(default_factory=list)
    entries: dict[str, dict[str, list[Entry]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    objects: dict[tuple[str, str, int | str], type[Component]] = field(default_factory=dict)
    _manager: pluggy.PluginManager = field(default_factory=lambda: pluggy.PluginManager(GROUP))
    _modules: dict[Plugin, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._manager.add_hookspecs(hookspecs)
        for plugin, point in discover(self.problems):
            self._register(plugin, point)
        for plugin in self.plugins:
            for kind in KINDS:
                self._collect(plugin, kind)
        self._report_collisions()

    def installed(self, kind: str) -> str:
        """Return in words which names a kind has, or where they are listed when they are many."""
        known = self.names(kind)
        if len(known) > MOST_NAMED:
            return f"'albench list {kind}' names the {len(known)} that are installed"
        return f"installed are: {', '.join(known) or 'none'}"

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind, sorted."""
        return sorted(self.entries[kind])

    def all_entries(self, kinds: list[str] | None = None) -> list[Entry]:
        """Return every entry of the kinds, by kind and name; a name taken twice appears twice."""
        return [entry for kind in kinds or KINDS for name in self.names(kind) for entry in self.entries[kind][name]]

    def entry(self, kind: str, name: str) -> Entry:
        """Return the one component of that name, or raise a RequestError that helps to find it."""
        found = self.entries[kind].get(name, [])
        if len(found) > 1:
            owners = " and ".join(str(entry.plugin) for entry in found)
            raise RequestError(
                f"the {KINDS[kind].singular} name {name!r} is taken by {owners}; uninstall one of them, or name the "
                "plugins to load in ALBENCH_PLUGINS"
            )
        if not found:
            failed = "; ".join(str(problem) for problem in self.problems)
            raise RequestError(
                f"there is no {KINDS[kind].singular} {shown(name)}{did_you_mean(name, self.names(kind))}; "
                f"{self.installed(kind)}" + (f" (and these plugins have problems: {failed})" if failed else "")
            )
        return found[0]

    def component_class(self, kind: str, name: str) -> type[Component]:
        """Import and return a component's class; whatever its import raises becomes a RequestError.

        `name` is one that a plugin offers, or a file and a class in it.
        """
        source = parameters.file_and_class(name)
        if source is not None:
            found = load_class(Path(source[0]), source[1])
            return self.check(kind, found, f"{name!r}")
        entry = self.entry(kind, name)
        what = f"{name!r} ({entry.target}) of {entry.plugin}"
        try:
            found = importlib.import_module(entry.module)
            for part in entry.attribute.split("."):
                found = getattr(found, part)
        except Exception as error:
            raise RequestError(
                f"the {KINDS[kind].singular} {what} cannot be imported: {reason(error)}; "
                f"mend or uninstall {entry.plugin.distribution}"
            ) from error
        return self.check(kind, found, what)

    def configure(self, kind: str, text: str, defaults: Mapping[str, Any] | None = None) -> Any:
        """Return the configured object for ``name[x=1]``; the brackets win over `defaults`, these over the target's."""
        name, values = parameters.parse(text)
        return self.build(kind, name, {**self.defaults(kind, name), **(defaults or {}), **values})

    def defaults(self, kind: str, name: str) -> dict[str, str]:
        """Return the parameters that the target of a name sets, as text."""
        return self.entry(kind, name).defaults if self.entries[kind].get(name) else {}

    def build(self, kind: str, name: str, values: Mapping[str, Any]) -> Any:
        """Return the component `name` with these parameters, validated."""
        return parameters.build(self.component_class(kind, name), values, f"{KINDS[kind].singular} {name!r}")

    def kind_of(self, cls: Any) -> str:
        """Return the kind of a class, or raise RequestError when it is none of a component."""
        for kind in KINDS:
            if isinstance(cls, type) and issubclass(cls, _contract(kind)):
                return kind
        contracts = ", ".join(kind.contract for kind in KINDS.values())
        raise RequestError(
            f"{getattr(cls, '__name__', cls)!r} is no component; derive it from one of albench.: {contracts}"
        )

    def add(self, kind: str, cls: type[Component], version: int | str) -> None:
        """Let this process know a class by its own name and code, as one that a notebook defines."""
        self.objects[kind, cls.__name__, version] = cls

    def build_added(self, kind: str, name: str, version: int | str, values: Mapping[str, Any]) -> Any:
        """Return the component of a class that `add` was given."""
        return parameters.build(self.objects[kind, name, version], values, f"{KINDS[kind].singular} {name!r}")

    def check(self, kind: str, found: Any, what: str) -> type[Component]:
        """Return a class that is one of a kind, or raise RequestError."""
        if not (isinstance(found, type) and issubclass(found, _contract(kind))):
            raise RequestError(
                f"the {KINDS[kind].singular} {what} is no class derived from albench.{KINDS[kind].contract}"
            )
        return found

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
        known = [*(kind.hook for kind in KINDS.values()), "albench_round_recorded"]
        for caller in self._manager.get_hookcallers(module) or []:
            if not caller.has_spec() and not all(impl.optionalhook for impl in caller.get_hookimpls()):
                self._problem(plugin, f"there is no hook {caller.name!r}{did_you_mean(caller.name, known)}")

    def _caller(self, hook: str, plugin: Plugin) -> pluggy.HookCaller:
        others = [module for owner, module in self._modules.items() if owner != plugin]
        return self._manager.subset_hook_caller(hook, others)

    def _collect(self, plugin: Plugin, kind: str) -> None:
        hook = KINDS[kind].hook
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
        hook = KINDS[kind].hook
        if not (isinstance(name, str) and parameters.NAME.fullmatch(name)):
            self._problem(plugin, f"{hook} offers the name {name!r}; names match {parameters.NAME.pattern}")
        elif not (isinstance(target, str) and _TARGET.fullmatch(target)):
            self._problem(plugin, f"{hook} maps {name!r} to {target!r}; write it as 'package.module:Class'")
        else:
            entry = Entry(kind, name, target, plugin)
            try:
                entry.defaults  # noqa: B018 - which a target may misspell
            except RequestError as error:
                self._problem(plugin, f"{hook} maps {name!r} to {target!r}: {error}")
                return
            self.entries[kind].setdefault(name, []).append(entry)

    def _report_collisions(self) -> None:
        for kind, by_name in self.entries.items():
            for name, found in by_name.items():
                for entry in found[1:]:
                    self._problem(
                        entry.plugin,
                        f"offers the {KINDS[kind].singular} {name!r}, which {found[0].plugin} offers too; "
                        "neither can be used while both are installed",
                    )

    def _problem(self, plugin: Plugin, message: str) -> None:
        self.problems.append(Problem(plugin, message))


def _contract(kind: str) -> type[Component]:
    """Return the class that components of a kind derive from; imported late, as everything behind a name."""
    contract: type[Component] = getattr(importlib.import_module("albench"), KINDS[kind].contract)
    return contract


@cache
def host() -> PluginHost:
    """Return the host of this process; its plugins are looked up once."""
    return PluginHost()
