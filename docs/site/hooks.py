"""What mkdocs does here beyond its plugins: pages from above docs/, files that pages link to, llms.txt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from docs.site import pages, plain  # noqa: E402 - the checkout need not be installed


def on_config(config: Any) -> Any:
    """Fill the navigation."""
    config.nav = pages.in_navigation(config.nav)
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages from above docs/, and copies of the files that pages link to."""
    for name, place in pages.above().items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / name)))
    for place, path in pages.copied().items():
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links lead to where files stand in the site."""
    path = Path(page.file.abs_src_path).relative_to(ROOT).as_posix()
    return pages.for_site(markdown, path, page.file.src_uri)


def on_post_build(config: Any) -> None:
    """Write llms.txt, and each page as text beside its HTML."""
    site = Path(config.site_dir)
    for place, text in plain.files(config.nav, config.site_description).items():
        (site / place).parent.mkdir(parents=True, exist_ok=True)
        (site / place).write_text(text, encoding="utf-8")
