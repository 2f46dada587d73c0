"""Figures for papers show the numbers of the results, as files that can be printed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from albench.analysis import difference_curves
from albench.store.results import collect
from albench_reports.figures.lines import curves, differences
from albench_reports.figures.paper import GREY, INCHES, Paper, typeset
from albench_reports.figures.rows import draw_ranks, labels, ranks
from albench_reports.page.assemble import assemble
from albench_reports.wording import slugs
from tests.conftest import edit_rows
from tests.reports.synthetic import EFFECTS, Synthetic

LONG = "emoc[output=softmax,expectation=3,tolerance=0.125]"
HOSTILE = "min[note=a$b$_c & <b>50%</b> \\x #1 $y^2~ {z}]"
STUDIES = {
    "a small one": Synthetic(),
    "long and hostile names": Synthetic(
        effects={"random": 0.0, LONG: 0.03, LONG.replace("3", "4"): 0.02, HOSTILE: -0.3, "max": 0.0}, seeds=range(9)
    ),
    "35 strategies": Synthetic(effects={"random": 0.0, **{f"strategy-{n}[x=1]": n / 1000 for n in range(34)}}),
    "80 rounds and an archive's worth of labels": Synthetic(seeds=range(5), rounds=80, set_size=2500, noise=0.02),
}


@pytest.fixture(autouse=True)
def paper_type() -> Iterator[None]:
    with typeset():
        yield


def lines_of(figure: Figure, panel: int = 0) -> dict[str, list[np.ndarray]]:
    """Return the heights of each colour's lines in a panel, thick ones first."""
    found: dict[str, list[np.ndarray]] = {}
    for line in sorted(figure.axes[panel].lines, key=lambda line: -line.get_linewidth()):
        found.setdefault(to_hex(line.get_color()), []).append(np.asarray(line.get_ydata(), dtype=float))
    return found


def bands_of(figure: Figure) -> list[PolyCollection]:
    return [one for one in figure.axes[0].collections if isinstance(one, PolyCollection)]


def texts_of(figure: Figure) -> list[Text]:
    """Return every text that is drawn; the ticks of an axis beyond its ends are not."""
    found = [text for legend in figure.legends for text in legend.get_texts()]
    for panel in figure.axes:
        found += [panel.xaxis.label, panel.yaxis.label, *panel.texts]
        for axis in (panel.xaxis, panel.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = zip(axis.get_majorticklocs(), axis.get_major_ticks(), strict=True)
            found += [tick.label1 for place, tick in ticks if low <= place <= high]
    return [text for text in found if text.get_visible() and text.get_text()]


@pytest.mark.parametrize("seeds", [4, 5])
def test_curves_are_means_over_seeds_each_of_few_drawn_and_of_more_a_band(tmp_path: Path, seeds: int) -> None:
    results = Synthetic(seeds=range(seeds)).results(tmp_path)
    paper = Paper.of(results, "one")
    figure = curves(results, paper)
    drawn = lines_of(figure)
    for name in EFFECTS:
        table = results.rounds[results.rounds["strategy"] == name].pivot(
            index="round", columns="seed", values="accuracy"
        )
        mean, *single = drawn[paper.looks[name].colour]
        np.testing.assert_allclose(mean, 100 * table.mean(axis=1))
        expected = 100 * table.to_numpy().T if seeds == 4 else []
        np.testing.assert_allclose(single, expected)
    assert len(bands_of(figure)) == (0 if seeds == 4 else len(EFFECTS))
    known = results.rounds[results.rounds["strategy"] == "random"].groupby("round")["n_classes"].mean()
    assert lines_of(figure, panel=1)[paper.looks["random"].colour][0].tolist() == known.tolist()


@pytest.mark.parametrize("seeds", [4, 9])
def test_differences_are_paired_by_seed_and_their_band_is_that_of_the_page(tmp_path: Path, seeds: int) -> None:
    results = Synthetic(seeds=range(seeds)).results(tmp_path)
    paper = Paper.of(results, "two")
    figure = differences(results, paper)
    assert figure is not None
    table = results.rounds.pivot(index="round", columns=["strategy", "seed"], values="accuracy")
    apart = 100 * (table["emoc"] - table["random"])
    mean, *single = lines_of(figure)[paper.looks["emoc"].colour]
    np.testing.assert_allclose(mean, apart.mean(axis=1))
    np.testing.assert_allclose(single, apart.to_numpy().T if seeds == 4 else [])
    assert paper.looks["random"].colour not in lines_of(figure)
    bands = bands_of(figure)
    assert len(bands) == (0 if seeds == 4 else 2)
    expected = difference_curves(results.rounds, "random")
    for band, name in zip(bands, ("emoc", "min"), strict=bool(bands)):
        own = expected[expected["strategy"] == name]
        heights = band.get_paths()[0].vertices[:, 1]
        assert {heights.min(), heights.max()} == {100 * own["low"].min(), 100 * own["high"].max()}


def test_labels_are_those_of_each_seed_and_a_seed_that_never_gets_there_is_an_open_triangle(tmp_path: Path) -> None:
    results = Synthetic(effects={"random": 0.0, "emoc": 0.02, "max": -0.3}, seeds=range(7)).results(tmp_path)
    paper = Paper.of(results, "one")
    figure = labels(results, paper, target=0.66)
    assert figure is not None
    rows = results.rounds.sort_values("round")
    for name in ("random", "emoc", "max"):
        own = rows[rows["strategy"] == name]
        first = own[own["accuracy"] >= 0.66].groupby("seed")["n_labeled"].first() - 100
        lines = [line for line in figure.axes[0].lines if to_hex(line.get_color()) == paper.looks[name].colour]
        filled, opened = lines
        assert sorted(filled.get_xdata()) == sorted(first)
        assert list(opened.get_xdata()) == [30] * (7 - len(first))
        assert opened.get_markerfacecolor() == "white"
    ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert ticks == ["emoc", "random", "max"]
    assert figure.axes[0].get_xlabel() == "Queried labels to 66 % accuracy"
    assert labels(results, paper, target=1.0) is None


def test_marks_of_seeds_that_need_as_many_labels_lie_apart(tmp_path: Path) -> None:
    results = Synthetic(effects={"random": 0.0}, seeds=range(9), rounds=1).results(tmp_path)
    figure = labels(results, Paper.of(results, "one"), target=0.6)
    assert figure is not None
    places = [
        place for line in figure.axes[0].lines[1:] for place in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]
    assert len(places) == len(set(places)) == 9


def test_ranks_are_means_over_seeds_best_first(tmp_path: Path) -> None:
    results = Synthetic(seeds=range(5), noise=0.02).results(tmp_path)
    paper = Paper.of(results, "one")
    figure = ranks(results, paper)
    assert figure is not None
    areas = results.rounds.groupby(["seed", "strategy"])["accuracy"].apply(np.trapezoid).unstack()
    expected = areas.rank(axis=1, ascending=False).mean()
    drawn = {to_hex(line.get_color()): float(line.get_xdata()[0]) for line in figure.axes[0].lines}
    assert drawn == {paper.looks[name].colour: expected[name] for name in EFFECTS}
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(expected.sort_values().index)


def test_intervals_and_groups_of_ranks_are_drawn_where_they_are_known(tmp_path: Path) -> None:
    paper = Paper.of(Synthetic().results(tmp_path), "one")
    board = pd.DataFrame({"strategy": ["emoc", "random"], "mean_rank": [1.2, 1.8]})
    assert len(draw_ranks(board, paper).axes[0].lines) == 2
    figure = draw_ranks(board.assign(rank_low=[1, 1], rank_high=[1, 2], group=["a", "ab"]), paper)
    assert [list(line.get_xdata()) for line in figure.axes[0].lines[::2]] == [[1, 1], [1, 2]]
    assert [text.get_text() for text in figure.axes[0].texts] == ["a", "ab"]


def test_strategies_look_as_on_the_page_also_where_some_are_chosen(tmp_path: Path) -> None:
    results = Synthetic(effects={f"s-{n}": n / 100 for n in range(14)} | {"random": 0.0}, seeds=[0]).results(tmp_path)
    assert Paper.of(results, "one").looks == assemble(results).looks


@pytest.mark.parametrize("width", INCHES)
@pytest.mark.parametrize("study", STUDIES)
def test_no_text_of_a_figure_leaves_it_or_lies_over_another(study: str, width: str, tmp_path: Path) -> None:
    results = STUDIES[study].results(tmp_path)
    paper = Paper.of(results, width)
    for draw in (curves, differences, labels, ranks):
        figure = draw(results, paper)
        assert figure is not None
        figure.draw_without_rendering()
        assert figure.get_figwidth() == INCHES[width]
        boxes = {text: text.get_window_extent() for text in texts_of(figure)}
        assert len(boxes) > 5
        for text, box in boxes.items():
            inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
            assert inside, f"{draw.__name__}: {text.get_text()!r} leaves the figure"
        for (one, a), (other, b) in combinations(boxes.items(), 2):
            apart = a.x0 >= b.x1 or b.x0 >= a.x1 or a.y0 >= b.y1 or b.y0 >= a.y1
            assert apart, f"{draw.__name__}: {one.get_text()!r} over {other.get_text()!r}"


def test_names_are_no_formulas_and_stand_as_they_are(tmp_path: Path) -> None:
    results = STUDIES["long and hostile names"].results(tmp_path)
    (legend,) = curves(results, Paper.of(results, "two")).legends
    said = {text.get_text().replace("\n", "").replace(" ", "") for text in legend.get_texts()}
    assert {HOSTILE.replace(" ", ""), LONG} <= said
    assert not any(text.get_parse_math() for text in legend.get_texts())


def test_a_setting_has_a_short_name_of_its_own_that_every_file_system_takes() -> None:
    names = slugs(["digits", "a/b: c", "a b[c]", "日本", "../digits", "x" * 40])
    assert list(names.values()) == ["digits", "a-b-c", "a-b-c-2", "setting", "digits-2", "x" * 40]


def test_curves_draw_reference_lines_in_grey_and_name_them(tmp_path: Path) -> None:
    store = Synthetic(effects={**EFFECTS, "all-labels": 0.2}).write(tmp_path)
    for path in store.glob("cells/digits/all-labels/*/rounds.jsonl"):
        edit_rows(path, lambda row: row.update(notes={"permission": "all labels"} if row["round"] else {}))
    results = collect(store)
    figure = curves(results, Paper.of(results, "one"))
    assert "all-labels" in [text.get_text() for text in figure.legends[0].get_texts()]
    expected = results.lines.groupby("round")["accuracy"].mean().to_numpy()
    grey = [line for line in figure.axes[0].lines if to_hex(line.get_color()) == GREY]
    assert [100 * expected == pytest.approx(line.get_ydata()) for line in grey] == [True]
