"""Checks a built site: every link and anchor leads somewhere, and nothing is asked of a network to look at a page.

python docs/site/check.py build/site        says what is wrong and exits 1
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    "img": "src",
    "script": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "object": "data",
}
LOADING = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "manifest", "prefetch"}
STYLED = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


@dataclass
class Page(HTMLParser):
    """What a page links to, what it loads, and the anchors that it has."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag links to or loads."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and LOADING & set(given.get("rel", "").split()):
            self.loaded.append(given.get("href", ""))
        if LOADED.get(tag) in given:
            self.loaded.append(given[LOADED[tag]])
        self.loaded += [first or second for first, second in STYLED.findall(given.get("style", ""))]


@cache
def read(path: Path) -> Page:
    """Return what is in a page."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong with a site, a sentence each."""
    root, files = site.resolve(), sorted(site.rglob("*.html"))
    if not files:
        yield f"{site} holds no page"
    for path in files:
        name, page = path.relative_to(site).as_posix(), read(path)
        for target in page.loaded:
            yield from _absent(root, path, target, f"{name} loads {target}")
            if urlsplit(target).netloc:
                yield f"{name} asks {target} of a network"
        for target in page.links:
            yield from _absent(root, path, target, f"{name} links to {target}")
    for path in sorted(site.rglob("*.css")):
        for first, second in STYLED.findall(path.read_text(encoding="utf-8")):
            if urlsplit(first or second).netloc:
                yield f"{path.relative_to(site)} asks {first or second} of a network"


def _absent(root: Path, page: Path, target: str, what: str) -> Iterator[str]:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return
    if parts.path.startswith("/"):
        if page.name != "404.html":  # which a server shows anywhere, so that its links start at the root
            yield f"{what}, which starts at the root of a server"
        return
    found = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
    if not found.is_file() or not found.is_relative_to(root):
        yield f"{what}, which is not there"
    elif parts.fragment and found.suffix == ".html" and unquote(parts.fragment) not in read(found).anchors:
        yield f"{what}, which has no such anchor"


def main() -> None:
    """Print what is wrong with the site in a folder."""
    found = list(problems(Path(sys.argv[1])))
    sys.exit("\n".join(found) or 0)


if __name__ == "__main__":
    main()
