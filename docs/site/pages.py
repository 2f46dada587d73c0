"""Which files of the repository are pages of the site, where they stand in it, and where links lead then.

Pages are written for readers of the repository: README.md and others lie above docs/, and link to files that are no
pages. In the site README.md is the start page, and a file that a page links to is copied under files/.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
ABOVE = {"README.md": "index.md", **{name: name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")}}
COPIES = "files"
LINK = re.compile(r"(?<=\]\()(?P<path>[^()\s#:]+)(?P<rest>#[^()\s]*)?(?=\))")
FENCED = re.compile(r"^(`{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)


def above() -> dict[str, str]:
    """Return the pages that lie above docs/ and where they stand in the site; those that do not exist are left out."""
    return {name: place for name, place in ABOVE.items() if (ROOT / name).exists()}


def sources() -> dict[str, Path]:
    """Return the file behind each page of the site, by its place there."""
    inside = {path.relative_to(ROOT / "docs").as_posix(): path for path in (ROOT / "docs").rglob("*.md")}
    return {**{place: ROOT / name for name, place in above().items()}, **inside}


def in_navigation(nav: list[Any]) -> list[Any]:
    """Return a navigation in which folders are lists of their pages; optional pages that do not exist are left out."""
    known = sources()
    absent = {place for place in ABOVE.values() if place not in known}
    filled: list[Any] = []
    for item in nav:
        if isinstance(item, str):
            filled += [] if item in absent else [item]
            continue
        ((title, under),) = item.items()
        if isinstance(under, str) and under.endswith("/"):
            under = sorted((place for place in known if place.startswith(under)), key=_first_of_its_folder)
        filled.append({title: in_navigation(under) if isinstance(under, list) else under})
    return filled


def pages_of(nav: list[Any] | str) -> Iterator[str]:
    """Yield the pages of a navigation."""
    if isinstance(nav, str):
        yield nav
        return
    for item in nav:
        yield from pages_of(item if isinstance(item, str) else next(iter(item.values())))


def place_of(path: str) -> str | None:
    """Return where a file of the repository stands in the site; None where it does not exist."""
    if path in above():
        return above()[path]
    found = ROOT / path
    if path.startswith("docs/") and found.is_file() and found.suffix not in (".py", ".json"):
        return path.removeprefix("docs/")
    if found.is_dir():
        path = f"{path}/README.md"
    return f"{COPIES}/{path}" if (ROOT / path).is_file() else None


def copied() -> dict[str, Path]:
    """Return the files that pages link to and that are no part of docs/, by their places in the site."""
    found: dict[str, Path] = {}
    waiting = list(sources().values())
    while waiting:
        page = waiting.pop()
        for path in _linked(page):
            place = place_of(path)
            if place and place.startswith(f"{COPIES}/") and place not in found:
                found[place] = ROOT / place.removeprefix(f"{COPIES}/")
                waiting += [found[place]] if place.endswith(".md") else []
    return found


def for_site(text: str, path: str, place: str) -> str:
    """Return the text of a page, a file of the repository, with links as they have to be at its place in the site."""

    def moved(match: re.Match[str]) -> str:
        target = place_of(posixpath.normpath(posixpath.join(posixpath.dirname(path), match["path"])))
        if target is None:
            return match[0]  # which the check of links reports
        return posixpath.relpath(target, posixpath.dirname(place) or ".") + (match["rest"] or "")

    return outside_of_code(text, lambda part: LINK.sub(moved, part))


def outside_of_code(text: str, change: Callable[[str], str]) -> str:
    """Return a text whose parts outside of fenced code are changed."""
    parts, end = [], 0
    for fenced in FENCED.finditer(text):
        parts += [change(text[end : fenced.start()]), fenced[0]]
        end = fenced.end()
    return "".join([*parts, change(text[end:])])


def _linked(page: Path) -> Iterator[str]:
    folder = page.parent.relative_to(ROOT).as_posix()
    for match in LINK.finditer(page.read_text(encoding="utf-8")):
        yield posixpath.normpath(posixpath.join(folder, match["path"]))


def _first_of_its_folder(place: str) -> tuple[str, bool, str]:
    folder, name = posixpath.split(place)
    return folder, name != "README.md", name
