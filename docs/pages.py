"""Generated pages of a folder: written, or checked against what they should hold; and the page of a component."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from albench.cli.describe import described
from albench.plugins.entries import Entry


def component_page(entry: Entry, more: str = "") -> str:
    """Return the page of a component from its class: what it says, further words, its parameters."""
    content = described(entry)
    rows = "\n".join(f"| `{p['name']}` | {cell(p['type'])} | {cell(p['default'])} |" for p in content["parameters"])
    paragraphs = [" ".join(part.split()) for part in content["description"].split("\n\n")]
    text = "\n\n".join([*paragraphs, *filter(None, [more])])
    return f"""\
# `{entry.name}`

{text}

| parameter | type | default |
|---|---|---|
{rows}

Class: `{entry.target}`.
"""


def cell(value: Any) -> str:
    """Return a value as a cell of a table."""
    return str(value).replace("|", "\\|") or "(empty)"


def stale(due: Mapping[Path, str], folder: Path) -> list[str]:
    """Return the pages that are missing, outdated, or of something that does not exist."""
    wrong = [path for path, text in due.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    return sorted(path.name for path in [*wrong, *(set(folder.glob("*.md")) - set(due))])


def write_or_check(due: Mapping[Path, str], folder: Path) -> None:
    """Write the pages; with `--check`, exit 1 where one is not current."""
    if sys.argv[1:] == ["--check"]:
        wrong = stale(due, folder)
        if wrong:
            sys.exit(f"not current: {', '.join(wrong)}; run python docs/{Path(sys.argv[0]).name}")
        return
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.md"):
        path.unlink()
    for path, text in due.items():
        path.write_text(text, encoding="utf-8")
