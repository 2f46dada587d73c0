"""Entry points: the plugins that are installed, what each offers, and what is wrong with one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from albench.plugins import parameters

GROUP = "albench"


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
    """A component that a plugin offers, not yet imported; its target may carry defaults, ``pkg.module:Class[x=1]``."""

    kind: str
    name: str
    target: str
    plugin: Plugin

    @property
    def module(self) -> str:
        """The module of the target."""
        return self.target.partition(":")[0]

    @property
    def attribute(self) -> str:
        """What the target names in its module."""
        return self.target.partition(":")[2].partition("[")[0]

    @property
    def defaults(self) -> dict[str, str]:
        """The parameters that the target sets, as text."""
        _, bracket, body = self.target.partition("[")
        return parameters.parse(f"{self.name}[{body}")[1] if bracket else {}


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a plugin: which, what, and what its author can do."""

    plugin: Plugin
    message: str

    def __str__(self) -> str:
        return f"{self.plugin}: {self.message}"


def discover(problems: list[Problem]) -> Iterator[tuple[Plugin, EntryPoint]]:
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
