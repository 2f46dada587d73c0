"""Lines of text on the page, and the choices under which they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from albench import Content, Note


@dataclass(frozen=True)
class Line:
    """A sentence or warning of a section, and whether it is shown at first."""

    text: str
    section: str = ""  # by id: whose choices decide
    when: Mapping[str, str] = field(default_factory=dict)
    is_shown: bool = True


def holds(when: Mapping[str, str], chosen: Mapping[str, str]) -> bool:
    """Return whether something is shown while this is chosen."""
    return all(chosen.get(name) == value for name, value in when.items())


def sentences(content: Content, section: str, chosen: Mapping[str, str]) -> list[Line]:
    """Return what a section says in words: what always holds, then what depends on a choice."""
    return lines([*content.sentence.splitlines(), *content.sentences], section, chosen)


def lines(texts: Iterable[str | Note], section: str, chosen: Mapping[str, str]) -> list[Line]:
    """Return texts with the choices under which they are shown; empty ones are left out."""
    notes = [Note(text) if isinstance(text, str) else text for text in texts]
    return [Line(note.text, section, note.when, holds(note.when, chosen)) for note in notes if note.text]
