"""What the shell completes beside options: names of components, kinds, presets and plugins; nothing heavy is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from albench.hookspecs import KINDS
from albench.plugins.host import host


def one_of(kind: str) -> Callable[[str], list[str]]:
    """Return a function that completes the name of one component."""

    def complete(incomplete: str) -> list[str]:
        return _beginning(incomplete, host().names(kind))

    return complete


def several_of(kind: str) -> Callable[[str], list[str]]:
    """Return a function that completes the last name of a list with commas; names that it holds are not offered."""

    def complete(incomplete: str) -> list[str]:
        if incomplete.count("[") > incomplete.count("]"):  # parameters: to know them takes an import
            return []
        before, comma, last = incomplete.rpartition(",")
        left = [name for name in host().names(kind) if name not in before.split(",")]
        return [f"{before}{comma}{name}" for name in _beginning(last, left)]

    return complete


def presets(incomplete: str) -> list[str]:
    """Complete the name of a preset."""
    from albench.study.layers import presets as known

    return _beginning(incomplete, known())


def anything(incomplete: str) -> list[str]:
    """Complete the name of a component of any kind, or of a preset."""
    return sorted({*_beginning(incomplete, (entry.name for entry in host().all_entries())), *presets(incomplete)})


def kinds(incomplete: str) -> list[str]:
    """Complete a kind of component."""
    return _beginning(incomplete, [*KINDS, "presets"])


def packages(incomplete: str) -> list[str]:
    """Complete the name of an installed plugin."""
    return sorted(set(_beginning(incomplete, (plugin.name for plugin in host().plugins))))


def _beginning(start: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(start)]
