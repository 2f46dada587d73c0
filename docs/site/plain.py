"""The site as text for programs: llms.txt, which lists all pages (llmstxt.org), and the pages as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docs.site import pages

FROM_DOCSTRINGS = "api/"  # whose text is in the HTML alone
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[^.]\.)(?<! al\.)\s")
LINKED = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


def files(nav: list[Any], description: str) -> dict[str, str]:
    """Return llms.txt and the pages as Markdown, by their places in the site; `nav` has no folders left."""
    texts = {place: path.read_text(encoding="utf-8") for place, path in pages.sources().items()}
    moved = {
        place: pages.for_site(text, pages.sources()[place].relative_to(pages.ROOT).as_posix(), place)
        for place, text in texts.items()
        if not place.startswith(FROM_DOCSTRINGS)
    }
    head = ["# albench", "", f"> {description}", ""]
    return {"llms.txt": "\n".join([*head, *_lines(nav, texts)]) + "\n", **moved}


def title(text: str) -> str:
    """Return the title of a page, without markup."""
    match = TITLE.search(text)
    return match[1].replace("`", "") if match else ""


def first_sentence(text: str) -> str:
    """Return the first sentence of a page's first paragraph, without links."""
    paragraphs = [part for part in text.split("\n\n") if part.strip() and not part.startswith(("#", "```", "|"))]
    words = " ".join(LINKED.sub(r"\1", paragraphs[0]).split()) if paragraphs else ""
    return SENTENCE.split(words, maxsplit=1)[0].rstrip(":")


def _lines(nav: list[Any], texts: dict[str, str]) -> Iterator[str]:
    """Yield the pages of a navigation, a section for each of its headings at the top."""
    alone = [item for item in nav if isinstance(item, str)]
    for heading, under in [("Start", alone), *(next(iter(item.items())) for item in nav if not isinstance(item, str))]:
        yield f"## {heading}\n"
        for place in pages.pages_of(under):
            text = texts[place]
            link = f"{place.removesuffix('.md').replace('README', 'index')}.html" if _is_html(place) else place
            yield f"- [{title(text)}]({link}): {first_sentence(text)}"
        yield ""


def _is_html(place: str) -> bool:
    return place.startswith(FROM_DOCSTRINGS)
