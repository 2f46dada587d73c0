"""Holding an installed plugin to its contracts: what ``albench check`` does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.errors import AlbenchError, MissingLibraryError, RequestError, did_you_mean, reason
from albench.hookspecs import KINDS
from albench.plugins import parameters
from albench.plugins.entries import Entry
from albench.plugins.host import host
from albench.plugins.sources import load_class

if TYPE_CHECKING:
    from albench.testing import Budget, Finding


@dataclass(frozen=True)
class Checked:
    """A component and what came of one clause of its contract."""

    kind: str
    name: str
    clause: str
    outcome: str
    message: str

    @property
    def is_sound(self) -> bool:
        """Whether the component may pass."""
        return self.outcome != "broken"


def check(package: str, budget: Budget | None = None) -> Iterator[Checked]:
    """Yield what holds of every component of an installed package, plugin or distribution, or of a class in a file.

    Strategies, scenarios, protocols, learners and networks are held to their contracts with default parameters; of
    other kinds it is checked that they can be imported and built. Raises RequestError when nothing of that name is
    installed.
    """
    source = parameters.file_and_class(package.partition("[")[0].strip())
    if source is not None:
        yield from check_component(host().kind_of(load_class(Path(source[0]), source[1])), package, budget)
        return
    entries = entries_of(package)
    problems = [problem for problem in host().problems if _is_named(package, problem.plugin)]
    if not entries and not problems:
        known = {entry.plugin.name for entry in host().all_entries()} | {
            entry.plugin.distribution for entry in host().all_entries()
        }
        raise RequestError(
            f"no plugin, package or distribution {package!r} offers anything{did_you_mean(package, known)}; install it "
            "into this environment ('albench list' names what there is), or give a file and a class in it"
        )
    for problem in problems:
        yield Checked("plugin", problem.plugin.name, "loads", "broken", problem.message)
    for entry in entries:
        yield from check_component(entry.kind, entry.name, budget)


def check_component(kind: str, text: str, budget: Budget | None = None) -> Iterator[Checked]:
    """Yield what holds of one component, named as on the command line."""
    try:
        name, given = parameters.parse(text)
        fields = parameters.fields(host().component_class(kind, name))
        given = {**host().defaults(kind, name), **given}
        required = [key for key, field in fields.items() if _is_required(field) and key not in given]
        component = None if required else host().build(kind, name, given)
    except MissingLibraryError as error:
        yield Checked(kind, text, "builds", "skipped", reason(error))
        return
    except AlbenchError as error:
        yield Checked(kind, text, "builds", "broken", reason(error))
        return
    if component is None:
        message = f"it has no default for {', '.join(required)}; test it with the contract class and values of yours"
        yield Checked(kind, text, "builds", "skipped", message)
        return
    yield Checked(kind, text, "builds", "holds", "It can be imported and built")
    for finding in _findings(kind, component, budget):
        yield Checked(kind, text, finding.clause, finding.outcome, finding.message)


def entries_of(package: str) -> list[Entry]:
    """Return the components whose package, plugin or distribution has this name."""
    return [
        entry
        for entry in host().all_entries()
        if entry.module.partition(".")[0] == package or _is_named(package, entry.plugin)
    ]


def _is_named(package: str, plugin: Any) -> bool:
    return package == plugin.name or _normal(package) == _normal(plugin.distribution)


def _normal(distribution: str) -> str:
    """Return a distribution's name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _is_required(field: Any) -> bool:
    import dataclasses

    return parameters.default(field) is dataclasses.MISSING


def _findings(kind: str, component: Any, budget: Budget | None) -> Iterator[Finding]:
    from albench.testing import CLAUSES, examine
    from albench.testing.clauses import undeclared

    clauses = CLAUSES.get(kind, [])
    for clause in clauses:
        yield examine(clause, component, budget)
    if clauses:
        yield from undeclared(component, clauses)


def summary(checked: Sequence[Checked]) -> str:
    """Return one line: how many components, and what is broken of how many."""
    names = {(item.kind, item.name) for item in checked}
    broken = {(item.kind, item.name) for item in checked if not item.is_sound}
    if broken:
        listed = ", ".join(f"{KINDS[kind].singular if kind in KINDS else kind} {name}" for kind, name in sorted(broken))
        return f"{len(broken)} of {len(names)} components break their contract: {listed}"
    skipped = {(item.kind, item.name) for item in checked if (item.clause, item.outcome) == ("builds", "skipped")}
    aside = f", {len(skipped)} aside that could not be built here" if skipped else ""
    return f"all {len(names - skipped)} components keep their contracts{aside}"
