from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from albench.analysis import leaderboard, line_curves, line_summary, reference_lines, without_lines
from albench.store.results import collect
from albench_reports.page.assemble import assemble
from tests.conftest import edit_rows
from tests.reports.synthetic import Synthetic


def permitted(root: Path) -> Path:
    """A store in which "all-labels" was permitted something, and labelled everything in its one round."""
    store = Synthetic(effects={"random": 0.0, "emoc": 0.05, "all-labels": 0.2}).write(root)
    for path in store.glob("cells/digits/all-labels/*/rounds.jsonl"):
        edit_rows(path, lambda row: row.update(notes={"permission": "all labels"} if row["round"] else {}))
    return store


def test_what_was_permitted_something_is_a_line_and_never_ranked(tmp_path: Path) -> None:
    results = collect(permitted(tmp_path))
    assert results.strategies == ["random", "emoc"]
    assert reference_lines(results.lines) == {"all-labels": "all labels"}
    both = pd.concat([results.rounds, results.lines])
    assert list(leaderboard(both, "random")["strategy"]) == ["emoc", "random"]
    assert list(leaderboard(both, "random", results.cells)["strategy"]) == ["emoc", "random"]
    assert len(without_lines(both)[1]) == len(results.lines)


def test_lines_do_not_change_a_number_of_those_that_compete(tmp_path: Path) -> None:
    with_line = collect(permitted(tmp_path / "with"))
    without = Synthetic(effects={"random": 0.0, "emoc": 0.05}).results(tmp_path / "without")
    columns = [name for name in leaderboard(without.rounds, "random") if "seconds" not in name]
    pd.testing.assert_frame_equal(
        leaderboard(with_line.rounds, "random")[columns], leaderboard(without.rounds, "random")[columns]
    )


def test_a_line_is_summed_up_by_its_last_round_and_its_own_area(tmp_path: Path) -> None:
    lines = collect(permitted(tmp_path)).lines
    row = line_summary(lines).iloc[0]
    last = lines[lines["round"] == lines["round"].max()]
    assert row["accuracy_final"] == pytest.approx(last["accuracy"].mean())
    assert row["n_classes_final"] == pytest.approx(last["n_classes"].mean())
    mean = lines.groupby("round")["accuracy"].mean().to_numpy()
    assert row["accuracy_area"] == pytest.approx((mean[1:] + mean[:-1]).sum() / 2 / (len(mean) - 1))
    assert (row["n_seeds"], row["permission"]) == (3, "all labels")


def test_the_page_lists_lines_apart(tmp_path: Path) -> None:
    page = assemble(collect(permitted(tmp_path)))
    board = next(section for section in page.sections if section.id == "leaderboard")
    assert not board.failure
    tables = [part.part for part in board.parts if part.kind == "table"]
    assert list(tables[-1].frame["strategy"]) == ["all-labels"]
    assert all("all-labels" not in set(table.frame["strategy"]) for table in tables[:-1])


def test_frames_without_notes_have_no_lines(tmp_path: Path) -> None:
    rounds = Synthetic().results(tmp_path).rounds.drop(columns="notes")
    assert reference_lines(rounds) == {}
    assert len(leaderboard(rounds, "random")) == 3


def test_a_line_of_one_round_is_level_at_its_end_over_the_rounds_of_the_others(tmp_path: Path) -> None:
    results = collect(permitted(tmp_path))
    at_once = results.lines[results.lines["round"] < 2].assign(n_labeled=lambda own: 100 + 400 * own["round"])
    curve = line_curves(at_once, results.rounds, ("accuracy",))
    end = at_once.loc[at_once["round"] == 1, "accuracy"].mean()
    assert curve["mean"].tolist() == pytest.approx([end] * 7)
    assert curve["n_labeled"].tolist() == sorted(set(results.rounds["n_labeled"]))


def test_a_line_of_as_many_rounds_keeps_its_curve(tmp_path: Path) -> None:
    results = collect(permitted(tmp_path))
    curve = line_curves(results.lines, results.rounds, ("accuracy",))
    assert curve["mean"].tolist() == pytest.approx(results.lines.groupby("round")["accuracy"].mean().tolist())
    assert line_curves(None, results.rounds).empty


def test_lines_keep_the_order_of_settings_and_strategies(tmp_path: Path) -> None:
    study = Synthetic(effects={"upper": 0.0, "all-labels": 0.2}, scenarios=("digits", "cifar100"))
    rounds = study.results(tmp_path).rounds
    curves = line_curves(rounds, rounds, ("accuracy",))
    orders = [[*dict.fromkeys(zip(one["setting"], one["strategy"], strict=True))] for one in (curves, rounds)]
    assert orders[0] == orders[1] != sorted(orders[1])


def test_the_curves_draw_lines_in_grey_under_their_names(tmp_path: Path) -> None:
    page = assemble(collect(permitted(tmp_path)))
    curves = next(section for section in page.sections if section.id == "curves")
    assert not curves.failure
    figure = next(part.plot for part in curves.parts if part.part.caption == "Accuracy, digits")
    line = next(trace for trace in figure["data"] if trace["name"] == "all-labels")
    assert line["line"]["color"] == "#858c96"
    assert "legendgroup" not in line, "it is no strategy that the legend switches"
