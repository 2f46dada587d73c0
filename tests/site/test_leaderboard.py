"""The page of the leaderboard says of references what their seeds can tell, and no more."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest

import albench
from docs import generate_leaderboard as board
from docs.leaderboard_page import page
from tests.reports.synthetic import Synthetic

APART = {"emoc": 0.08, "min": 0.04, "1vs2": 0.04, "random": 0.0, "max": -0.06}  # effects on the last round's accuracy
SEEDS = tuple(range(10, 19))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two references: one of two settings and nine seeds, one of a single seed with a strategy of its own."""
    folder = tmp_path_factory.mktemp("references")
    wide = Synthetic(effects=APART, scenarios=("digits", "cifar100"), seeds=SEEDS, noise=0.001)
    thin = Synthetic(effects={"random": 0.0, "badge": 0.2}, seeds=(4,), name="thin")
    return {"wide": wide.write(folder / "wide"), "thin": thin.write(folder / "thin")}


@pytest.fixture(scope="module")
def text(many: dict[str, Path]) -> str:
    return page(board.studies(many))


def rows(text: str, number: int = 0) -> dict[str, list[str]]:
    """Return the rows of a table of the page by the first cell without its markup."""
    lines = [block for block in text.split("\n\n") if block.startswith("| strategy")][number].strip().splitlines()
    cells = [[cell.strip().replace("\N{NO-BREAK SPACE}", " ") for cell in line.strip("|").split("|")] for line in lines]
    return {re.sub(r"^\[?`?|`?(\]\(.*\))?$", "", first): rest for first, *rest in cells if first != "---"}


def test_a_column_is_a_setting_of_a_reference(text: str) -> None:
    heads = rows(text)["strategy"]
    assert heads == [
        "[thin](#thin)<br>`digits`<br>1 seed: no claims",
        "[wide](#wide)<br>`digits`<br>9 seeds",
        "[wide](#wide)<br>`cifar100`<br>9 seeds",
    ]
    assert {name for name in rows(text) if name != "strategy"} == {*APART, "badge"}
    assert rows(text)["badge"][1:] == ["", ""], "it is in one reference alone"


def test_what_is_known_to_lead_leads_by_what_is_known(text: str) -> None:
    for column in (1, 2):
        for name, effect in APART.items():
            if name != "random":
                area, difference, groups = rows(text)[name][column].split("<br>")
                assert re.fullmatch(r"\*\*\d+\.\d\*\*", area)
                match = re.fullmatch(r"([+-][\d.]+) \[([+-][\d.]+), ([+-][\d.]+)\] \*\*(leads|trails)\*\*", difference)
                assert match is not None, difference
                mean, low, high = map(float, match.groups()[:3])
                assert mean == pytest.approx(100 * effect / 2, abs=0.15), "a linear effect has half its height as area"
                assert low <= mean <= high
                assert match[4] == ("leads" if effect > 0 else "trails")
                assert groups == {"emoc": "a, 1", "max": "d, 5"}.get(name, "b, 2 to 3"), name
        assert rows(text)["random"][column].split("<br>")[1:] == ["c, 4"]


def test_rows_stand_in_the_order_of_their_places(text: str) -> None:
    names = list(rows(text, 0))
    assert set(names[1:3]) == {"emoc", "badge"}, "first in all columns that they are in"
    assert names[-1] == "max"


def test_one_seed_claims_nothing(many: dict[str, Path]) -> None:
    text = page(board.studies({"thin": many["thin"]}))
    assert "One seed tells nothing of chance: no difference in this table is a claim." in text
    assert "**leads**" not in text
    assert rows(text)["badge"] == [f"**{rows(text, 1)['badge'][1]}**<br>{rows(text, 1)['badge'][2]}"]
    assert all(not re.search(r"\d\]", cell) for row in rows(text).values() for cell in row), "no interval"
    heads = rows(text, 1)["strategy"]
    badge = dict(zip(heads, rows(text, 1)["badge"], strict=True))
    assert (badge["group"], badge["ranks"]) == ("", "")


def test_files_hold_what_each_seed_comes_to(many: dict[str, Path]) -> None:
    files = {path.name: text for path, text in board.due(many).items()}
    assert set(files) == {"leaderboard.md", "thin.csv", "wide.csv"}
    found = list(csv.DictReader(io.StringIO(files["wide.csv"])))
    frame = albench.load(many["wide"])
    assert len(found) == len(APART) * 2 * len(SEEDS)
    area = {}
    for row in found:
        own = frame[(frame.setting == row["setting"]) & (frame.strategy == row["strategy"])]
        own = own[own.seed == int(row["seed"])].sort_values("round")
        budget = own.n_labeled.to_numpy(dtype=float)
        expected = np.trapezoid(own.accuracy, budget) / (budget[-1] - budget[0])
        assert float(row["accuracy_area"]) == pytest.approx(expected, abs=1e-6)
        area[row["setting"], row["strategy"], row["seed"]] = float(row["accuracy_area"])
    for row in found:
        here, base = (row["setting"], row["seed"]), row["accuracy_area_minus_random"]
        if row["strategy"] != "random":
            apart = area[here[0], row["strategy"], here[1]] - area[here[0], "random", here[1]]
            assert float(base) == pytest.approx(apart, abs=2e-6)


def test_what_is_missing_or_failed_is_said(tmp_path: Path) -> None:
    lost = {("min", 1): "", ("emoc", 0): "it broke", ("emoc", 1): "it broke", ("emoc", 2): "it broke"}
    store = Synthetic(effects={**APART, "random": 0.0}, seeds=(0, 1, 2), missing=lost).write(tmp_path / "torn")
    text = page(board.studies({"torn": store}))
    assert "11 of 15 cells are done, of 3 seeds (0, 1 and 2)." in text
    assert "`min` has no pair with `random` at seed 1." in text
    assert rows(text)["emoc"] == ["failed: it broke"]
    assert list(rows(text))[-1] == "emoc", "what has no result stands last"
    assert rows(text)["strategy"][0].endswith("2 to 3 seeds")


def test_without_any_reference_the_page_says_so() -> None:
    assert "No reference is there yet." in page([])


def test_the_page_is_current() -> None:
    assert board.stale() == [], "run python docs/generate_leaderboard.py"


def test_the_page_is_stale_when_a_reference_comes(many: dict[str, Path]) -> None:
    assert {"leaderboard.md", "wide.csv"} <= set(board.stale(many))
