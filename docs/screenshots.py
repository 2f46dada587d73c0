"""Renew a picture of the report from a store: python docs/screenshots.py STORE docs/images/report.png.

Or of a contact sheet: python docs/screenshots.py next.html docs/images/query.png.

The picture is the top of the page as a reader sees it first; --width, --height and --dark choose the window. It needs
playwright and Chromium, as the tests do.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from albench.reading import write_report

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Write the report of a store to a temporary file and take a picture of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1700)
    parser.add_argument("--dark", action="store_true")
    given = parser.parse_args()
    size, scheme = {"width": given.width, "height": given.height}, "dark" if given.dark else "light"
    if given.store.suffix == ".html":
        take(given.store, given.image, size, scheme, ".sheet")
        return
    with TemporaryDirectory() as folder:
        page = write_report(given.store, Path(folder) / "report.html")
        if page is None:
            raise SystemExit(f"{given.store} gives no report")
        take(page, given.image, size, scheme, "html[data-figures=drawn]")


def take(page: Path, image: Path, size: dict[str, int], scheme: str, sign: str) -> None:
    """Save what a window of this size shows of a page once it has what a selector finds, such as drawn figures."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=FLAGS)
        window = browser.new_page(viewport=size, color_scheme=scheme)
        window.goto(page.resolve().as_uri())
        window.wait_for_selector(sign, state="attached", timeout=120_000)
        window.screenshot(path=str(image))
        browser.close()


if __name__ == "__main__":
    main()
