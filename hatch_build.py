"""The README as package indexes show it: they resolve no relative link, and know no file of the repository.

Links lead to the files of the release in the repository, whose address is `Repository` under [project.urls]; without
one only their words stay, and no picture.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(?P<picture>!?)\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")
OUTSIDE = ("https:", "http:", "mailto:")


class Readme(MetadataHookInterface):
    """Gives the project its readme."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the readme to the metadata."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        address = metadata.get("urls", {}).get("Repository", "")
        tag = f"v{metadata['version']}"
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text, address, tag)}


def absolute(text: str, address: str, tag: str) -> str:
    """Return a text in Markdown whose links lead to files of a tag in the repository at an address."""

    def moved(match: re.Match[str]) -> str:
        words, target = match["words"], match["target"]
        if target.startswith(OUTSIDE) or (target.startswith("#") and not match["picture"]):
            return match[0]
        if not address:
            return "" if match["picture"] else words
        kind = "raw" if match["picture"] else "blob"
        return f"{match['picture']}[{words}]({address.rstrip('/')}/{kind}/{tag}/{target})"

    return LINK.sub(moved, text)
