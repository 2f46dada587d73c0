"""The site: every page is in its navigation, links lead where files stand in it, and the check of links can fail."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import albench
from albench import analysis, hookspecs, testing
from docs.site import check, pages, plain

ROOT = Path(__file__).parents[2]
API = ROOT / "docs" / "api"
GOOD = '<a id="here"></a><a href="two.html#there">two</a><a href="https://example.org/x">outside</a>'


class Loader(yaml.SafeLoader):
    """Reads mkdocs.yml without the Python objects that it names."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


@pytest.fixture
def config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)
    return found


def test_every_page_is_in_the_navigation_once(config: dict[str, Any]) -> None:
    named = Counter(pages.pages_of(pages.in_navigation(config["nav"])))
    assert set(named) == set(pages.sources())
    assert set(named.values()) == {1}
    assert len(named) > 80


def test_a_page_that_is_not_there_is_not_dropped_silently() -> None:
    assert list(pages.pages_of(pages.in_navigation(["nowhere.md", {"More": ["index.md"]}]))) == [
        "nowhere.md",
        "index.md",
    ]


def test_nothing_is_asked_of_a_network_to_look_at_a_page(config: dict[str, Any]) -> None:
    assert config["theme"]["font"] is False
    assert config["use_directory_urls"] is False
    assert "offline" in config["plugins"]
    assert all((ROOT / "docs" / name).is_file() for name in [*config["extra"]["polyfills"], *config["extra_css"]])
    assert "repo_url" not in config, "the theme would ask a forge how many stars there are"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("README.md", "[s](docs/strategies/README.md)", "[s](strategies/README.md)"),
        ("README.md", "![r](docs/images/report.png)", "![r](images/report.png)"),
        ("README.md", "[c](CONTRIBUTING.md)", "[c](CONTRIBUTING.md)"),
        ("docs/networks/README.md", "[p](../protocol.md#data)", "[p](../protocol.md#data)"),
        ("docs/networks/README.md", "[r](../../README.md#start)", "[r](../index.md#start)"),
        ("docs/store.md", "[e](../examples/albench-example)", "[e](files/examples/albench-example/README.md)"),
        ("docs/store.md", "[m](../Makefile)", "[m](files/Makefile)"),
        ("docs/store.md", "[n](../nowhere.md) [o](https://example.org/a.md)", None),
        ("README.md", "```\n[s](docs/store.md)\n```", None),
    ],
)
def test_links_lead_to_where_files_stand_in_the_site(path: str, text: str, expected: str | None) -> None:
    place = pages.place_of(path)
    assert place is not None
    assert pages.for_site(text, path, place) == (text if expected is None else expected)


def test_files_that_pages_link_to_are_copied() -> None:
    found = pages.copied()
    assert "files/examples/albench-example/README.md" in found
    for text in (path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(\.\./([^)#]+)", text):
            place = pages.place_of(target)
            assert place is not None
            assert place in found or place in pages.sources()


def test_a_good_site_has_no_problem(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text(GOOD + '<img src="a.png"><link rel="stylesheet" href="s.css">')
    (tmp_path / "two.html").write_text('<p id="there"><a href="#there">up</a>')
    (tmp_path / "a.png").touch()
    (tmp_path / "s.css").write_text('a { background: url("data:image/png;base64,xx") }')
    assert list(check.problems(tmp_path)) == []


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="three.html">', "one.html links to three.html, which is not there"),
        ('<a href="#nowhere">', "one.html links to #nowhere, which has no such anchor"),
        ('<a href="one.html#nowhere">', "one.html links to one.html#nowhere, which has no such anchor"),
        ('<a href="/one.html">', "one.html links to /one.html, which starts at the root of a server"),
        ('<a href="../other.html">', "one.html links to ../other.html, which is not there"),
        ('<img src="b.png">', "one.html loads b.png, which is not there"),
        ('<script src="https://example.org/x.js"></script>', "one.html asks https://example.org/x.js of a network"),
        (
            '<link rel="preconnect" href="https://fonts.example.org">',
            "one.html asks https://fonts.example.org of a network",
        ),
        ('<p style="background: url(//example.org/a.png)">', "one.html asks //example.org/a.png of a network"),
    ],
)
def test_the_check_names_what_is_wrong(html: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text(html)
    (tmp_path.parent / "other.html").write_text("outside of the site")
    assert list(check.problems(tmp_path)) == [problem]


def test_styles_may_ask_nothing_of_a_network_either(tmp_path: Path) -> None:
    (tmp_path / "one.html").touch()
    (tmp_path / "s.css").write_text('@import "https://example.org/font.css";')
    assert list(check.problems(tmp_path)) == ["s.css asks https://example.org/font.css of a network"]


def test_the_reference_of_the_api_holds_every_public_name_once() -> None:
    shown = Counter(re.findall(r"^::: albench\.(\S+)$", "\n".join(page.read_text() for page in API.glob("*.md")), re.M))
    hooks = {name for name, _ in inspect.getmembers(hookspecs, inspect.isfunction) if name.startswith("albench_")}
    due = {
        *(set(albench.__all__) - {"analysis", "testing", "__version__"}),
        *(f"analysis.{name}" for name in analysis.__all__),
        *(f"testing.{name}" for name in testing.__all__),
        *(f"hookspecs.{name}" for name in hooks),
    }
    assert set(shown) == due
    assert set(shown.values()) == {1}


def test_programs_find_every_page_as_text(config: dict[str, Any]) -> None:
    found = plain.files(pages.in_navigation(config["nav"]), "What it is.")
    listing = found["llms.txt"]
    assert listing.startswith("# albench\n\n> What it is.\n")
    links = dict(re.findall(r"^- \[(.+?)\]\((\S+)\): .+\.?$", listing, re.MULTILINE))
    assert len(links) == len(pages.sources())
    assert {link for link in links.values() if not link.startswith("api/")} == set(found) - {"llms.txt"}
    assert links["The API"] == "api/index.html"
    assert links["badge"] == "strategies/badge.md"
    assert found["index.md"].count("](docs/") == 0
