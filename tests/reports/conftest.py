"""A real browser that has no network, and what the page did in it."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

import pytest

AXE = "axe-core@4.10.3"
CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")


@dataclass
class Opened:
    """A page that is open, and everything that it said or asked for."""

    page: Any
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def serious_faults(self, axe: str, least: int) -> list[tuple[str, str, str]]:
        """What axe finds on the page that is serious or critical; it must have looked at `least` rules that hold."""
        self.page.evaluate(axe)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert len(found["passes"]) > least
        return [
            (violation["id"], violation["help"], violation["nodes"][0]["html"][:200])
            for violation in found["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]

    def assert_quiet(self) -> None:
        """Nothing was logged, and nothing was asked for but the file itself."""
        assert self.console == []
        assert [url for url in self.requests[1:] if not url.startswith(("data:", "blob:"))] == []


class Browser:
    """Opens files in Chromium with the network off."""

    def __init__(self, chromium: Any) -> None:
        self.chromium = chromium
        self.contexts: list[Any] = []

    def open(self, path: Path, wait: bool = True, script: str = "", **options: Any) -> Opened:
        context = self.chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.contexts.append(context)
        context.set_offline(True)
        context.route("http*://**/*", lambda route: route.abort())
        if script:
            context.add_init_script(script)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda message: opened.console.append(f"{message.type}: {message.text}"))
        opened.page.on("pageerror", lambda error: opened.console.append(f"error: {error}"))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(path.resolve().as_uri())
        if wait:
            opened.page.wait_for_selector("html[data-figures=drawn]", state="attached", timeout=60_000)
        return opened


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed, so the page cannot be looked at")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Browser]:
    found = Browser(chromium)
    yield found
    for context in found.contexts:
        context.close()


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest) -> str:
    """The source of axe-core: from $ALBENCH_AXE, else fetched once from the npm registry."""
    given = os.environ.get("ALBENCH_AXE")
    if given:
        return Path(given).read_text(encoding="utf-8")
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir("axe")
    script = folder / "package" / "axe.min.js"
    npm = which("npm")
    if not script.exists() and npm:
        done = subprocess.run([npm, "pack", AXE, "--silent"], cwd=folder, capture_output=True, text=True, timeout=120)
        for archive in folder.glob("*.tgz") if done.returncode == 0 else ():
            with tarfile.open(archive) as packed:
                packed.extract("package/axe.min.js", folder, filter="data")
    if not script.exists():
        pytest.skip("axe-core could not be fetched from npm; give axe.min.js in ALBENCH_AXE")
    return script.read_text(encoding="utf-8")
