from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from albench.analysis.curves import areas
from albench.analysis.leaderboard import leaderboard
from tests.reports.synthetic import Synthetic


def test_the_strategy_with_the_planted_lead_comes_first_in_every_setting(tmp_path: Path) -> None:
    study = Synthetic(
        scenarios=("digits", "cifar100"), seeds=range(4), effects={"random": 0.0, "emoc": 0.1, "min": 0.05}
    )
    rounds = study.results(tmp_path).rounds
    board = leaderboard(rounds, "random")
    places = [(setting, name) for setting in rounds["setting"].unique() for name in ("emoc", "min", "random")]
    assert list(zip(board["setting"], board["strategy"], strict=True)) == places
    assert board["setting"].nunique() == 2


def test_the_paired_difference_and_its_interval_are_scipys_corrected_for_all_comparisons(tmp_path: Path) -> None:
    rounds = Synthetic(seeds=range(6)).results(tmp_path).rounds
    row = leaderboard(rounds, "random").set_index("strategy").loc["emoc"]
    area = areas(rounds).pivot(index="seed", columns="strategy", values="accuracy_area")
    test = stats.ttest_rel(area["emoc"], area["random"])
    interval = test.confidence_interval(1 - 0.05 / 2)  # two others than the reference
    assert row["accuracy_difference"] == pytest.approx((area["emoc"] - area["random"]).mean())
    assert row["accuracy_difference_low"] == pytest.approx(interval.low)
    assert row["accuracy_difference_high"] == pytest.approx(interval.high)
    assert row["n_pairs"] == 6


def test_a_strategys_own_numbers_are_means_over_its_cells(tmp_path: Path) -> None:
    rounds = Synthetic(seeds=range(3)).results(tmp_path).rounds
    columns = ["accuracy_area", "accuracy_final", "classes_area", "query_seconds"]
    board = leaderboard(rounds, "random").set_index("strategy")
    expected = areas(rounds).groupby("strategy")[columns].mean()
    pd.testing.assert_frame_equal(board[columns].sort_index(), expected.sort_index(), check_names=False)


def test_a_strategy_without_a_finished_cell_stays_last_without_numbers_and_says_why(tmp_path: Path) -> None:
    study = Synthetic(missing={("emoc", seed): "MemoryError: boom" for seed in range(3)})
    results = study.results(tmp_path)
    board = leaderboard(results.rounds, "random", results.cells)
    assert list(board["strategy"]) == ["min", "random", "emoc"]
    assert list(board["reason"]) == ["", "", "failed: MemoryError: boom"]
    assert list(board["n_seeds"]) == [3, 3, 0]
    assert board.iloc[2][["accuracy_area", "mean_rank", "n_pairs"]].isna().all()
    finished = board.iloc[:2].drop(columns="reason")
    pd.testing.assert_frame_equal(leaderboard(results.rounds, "random").drop(columns="reason"), finished)


def test_the_reference_has_no_difference_to_itself(tmp_path: Path) -> None:
    row = leaderboard(Synthetic().results(tmp_path).rounds, "random").set_index("strategy").loc["random"]
    assert np.isnan(row["accuracy_difference"])
    assert row["accuracy_area"] > 0


def test_a_reference_that_did_not_run_leaves_every_difference_open(tmp_path: Path) -> None:
    board = leaderboard(Synthetic().results(tmp_path).rounds, "nobody")
    assert board["accuracy_difference"].isna().all()
    assert list(board["strategy"]) == ["emoc", "min", "random"]


def test_a_seed_without_its_pair_is_said_and_does_not_enter_the_difference(tmp_path: Path) -> None:
    study = Synthetic(missing={("random", 2): "OutOfMemoryError: boom"})
    row = leaderboard(study.results(tmp_path).rounds, "random").set_index("strategy").loc["emoc"]
    assert (row["n_seeds"], row["n_pairs"], row["missing_pairs"], row["missing_seeds"]) == (3, 2, 1, "2")


def test_ranks_are_averaged_over_the_seeds_that_every_strategy_has(tmp_path: Path) -> None:
    study = Synthetic(effects={"random": 0.0, "emoc": 0.5}, missing={("emoc", 0): ""})
    board = leaderboard(study.results(tmp_path).rounds, "random").set_index("strategy")
    assert board["mean_rank"].to_dict() == {"emoc": 1.0, "random": 2.0}


def test_an_empty_store_gives_an_empty_leaderboard_with_its_columns(tmp_path: Path) -> None:
    study = Synthetic(effects={"random": 0.0}, seeds=[0], missing={("random", 0): ""})
    board = leaderboard(study.results(tmp_path).rounds, "random")
    assert board.empty
    assert "accuracy_difference_low" in board.columns
