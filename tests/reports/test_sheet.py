"""The contact sheet of a query, in a real browser without a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

import albench
from albench_reports.page import sheet as page
from tests.conftest import Cli
from tests.datasets.rewritten import pictures
from tests.querying.conftest import write_photos
from tests.reports.conftest import Browser, Opened

HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202egnp.html"
PHOTO = load_sample_images().images[0]


def picture(place: int) -> np.ndarray:
    if place == 2:
        raise FileNotFoundError("the file has gone")
    height, width = [(40, 90), (300, 200), (1, 1), (8, 8), (64, 64)][place % 5]
    return PHOTO[:height, :width].transpose(2, 0, 1)


def contact_sheet(n: int = 7, scores: float = -0.25) -> albench.ContactSheet:
    frame = pd.DataFrame(
        {
            "rank": range(1, n + 1),
            "file": [HOSTILE, *(f"card/{place}.jpg" for place in range(1, n))],
            "score": scores,
            "predicted_class": HOSTILE,
            "probability": 0.987,
        }
    )
    return albench.ContactSheet(
        "next", [HOSTILE, "Second."], {"strategy": HOSTILE}, frame, picture, [HOSTILE, "note 2"]
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from albench_reports.page.html import Html

    return Html().write_sheet(contact_sheet(), tmp_path_factory.mktemp("sheet") / "next.html")


def opened(browser: Browser, path: Path, **options: object) -> Opened:
    return browser.open(path, wait=False, **options)


def test_every_file_is_shown_with_its_rank_class_and_probability(path: Path, browser: Browser) -> None:
    shown = opened(browser, path)
    entries = shown.texts(".sheet li")
    assert [entry.split()[0] for entry in entries[3:]] == ["4", "5", "6", "7"]
    assert all("98.7 %" in entry and "score -0.25" in entry for entry in entries)
    assert "card/4.jpg" in entries[4]
    sizes = shown.page.eval_on_selector_all(".sheet img", "all => all.map(i => [i.naturalWidth, i.naturalHeight])")
    assert len(sizes) == 6
    assert all(0 < width <= 160 and 0 < height <= 160 for width, height in sizes)
    assert [160, 71] in sizes or [90, 40] in sizes, "a picture is shown whole, and keeps its shape"
    assert "It cannot be shown: FileNotFoundError: the file has gone" in entries[2]
    shown.assert_quiet()


def test_text_of_files_and_classes_is_text(path: Path, browser: Browser) -> None:
    shown = opened(browser, path, java_script_enabled=True)
    assert shown.page.locator("img[src=x]").count() == 0
    assert "<img src=x onerror=alert(1)>" in shown.texts(".sheet li")[0]
    text = path.read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "\u202e" not in text
    shown.assert_quiet()


def test_notes_facts_and_sentences_are_on_the_page(path: Path, browser: Browser) -> None:
    shown = opened(browser, path)
    assert "note 2" in shown.texts(".warnings li")
    assert "Second." in shown.texts("header .sentence")
    assert shown.page.title() == "next · albench query"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_serious(path: Path, browser: Browser, axe: str, scheme: str, width: int) -> None:
    shown = opened(browser, path, color_scheme=scheme, viewport={"width": width, "height": 900})
    assert shown.serious_faults(axe, least=15) == []
    overflow = shown.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_the_first_press_of_tab_offers_to_skip_to_the_files(path: Path, browser: Browser) -> None:
    page = opened(browser, path).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the files"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_of_very_many_the_page_shows_the_first(
    tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from albench_reports.page.html import Html

    monkeypatch.setattr(page, "MOST", 4)
    shown = opened(browser, Html().write_sheet(contact_sheet(), tmp_path / "many.html"))
    assert len(shown.texts(".sheet li")) == 4
    assert "3 more are in the table beside this page." in shown.texts("main .sentence")


def test_without_pictures_or_scores_there_are_names(tmp_path: Path, browser: Browser) -> None:
    from dataclasses import replace

    from albench_reports.page.html import Html

    bare = replace(contact_sheet(scores=float("nan")), picture=None, notes=())
    shown = opened(browser, Html().write_sheet(bare, tmp_path / "bare.html"))
    assert shown.page.locator(".sheet img").count() == 0
    assert shown.page.locator(".score, .failure, .warnings").count() == 0
    assert len(shown.texts(".sheet li")) == 7


def test_a_format_without_a_contact_sheet_says_so(tmp_path: Path) -> None:
    from albench.plugins.host import host

    with pytest.raises(albench.RequestError, match="Csv writes no contact sheet; choose html"):
        host().build("report-formats", "csv", {}).write_sheet(contact_sheet(), tmp_path / "x")


def test_the_command_writes_the_page_of_the_files_that_it_names(
    tmp_path: Path, cli: Cli, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    photos = write_photos(tmp_path / "photos", cli)
    (photos.unlabeled / "torn.png").write_bytes(b"\x89PNG")
    assert photos.query("min", k=8).code == 0
    shown = opened(browser, photos.root / "next.html")
    table = photos.table()
    assert shown.texts(".sheet .file") == table["file"].tolist()
    expected = [
        f"{name}, {100 * share:.1f} %"
        for name, share in zip(table["predicted_class"], table["probability"], strict=True)
    ]
    assert [text.replace(".0 %", " %") for text in expected] == shown.texts(".sheet .guess")
    assert shown.page.locator(".sheet img").count() == 8
    assert "torn.png is left out" in shown.texts(".warnings li")[0]
    shown.assert_quiet()


def test_the_sheet_shows_photographs_of_cifar_100_whole(
    tmp_path: Path, cli: Cli, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = pictures()["train"]
    draws = np.random.default_rng(0)
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        width, height = (int(side) for side in draws.integers(24, 200, size=2))
        folder = tmp_path / ("labeled/" + str(label) if place % 2 else "rest")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).resize((width, height)).save(folder / f"{width}x{height}-{place}.png")
    whole = min((tmp_path / "rest").iterdir()).read_bytes()
    (tmp_path / "rest" / "torn.png").write_bytes(whole[: len(whole) // 2])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ran = cli(
        "query", "--labeled", tmp_path / "labeled", "--unlabeled", tmp_path / "rest", "--strategy", "badge", "-k", 12,
        "--set", "size=32", "--set", "iterations=10", "-o", tmp_path / "next.csv",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "note: torn.png is left out: it cannot be decoded" in ran.err
    shown = opened(browser, tmp_path / "next.html")
    sizes = shown.page.eval_on_selector_all(".sheet img", "all => all.map(i => [i.naturalWidth, i.naturalHeight])")
    assert len(sizes) == 12
    for file, (width, height) in zip(shown.texts(".sheet .file"), sizes, strict=True):
        asked_width, asked_height = map(int, file.partition("-")[0].split("x"))
        assert width / height == pytest.approx(asked_width / asked_height, rel=0.1)
    shown.assert_quiet()
