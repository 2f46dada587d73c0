from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from albench.cli.leaderboard import print_leaderboard
from albench.errors import StoreError
from albench.results import choose_reference, collect, load
from tests.reports.synthetic import Synthetic


def test_cells_that_are_not_done_are_listed_and_their_rounds_do_not_count(tmp_path: Path) -> None:
    results = Synthetic(missing={("emoc", 1): "ValueError: boom", ("min", 0): ""}).results(tmp_path)
    found = results.cells.set_index(["strategy", "seed"])["status"]
    assert found[("emoc", 1)] == "failed"
    assert found[("min", 0)] == "missing"
    done = set(zip(results.rounds["strategy"], results.rounds["seed"], strict=True))
    assert len(results.cells) == 9
    assert len(done) == 7
    assert ("emoc", 1) not in done


def test_unfinished_cells_are_loaded_when_asked_for(tmp_path: Path) -> None:
    store = Synthetic(missing={("emoc", 1): "ValueError: boom"}).write(tmp_path)
    assert len(load(store, unfinished=True)) == len(load(store)) + 2


def test_columns_have_the_types_of_the_protocol(tmp_path: Path) -> None:
    rounds = Synthetic().results(tmp_path).rounds
    assert pd.api.types.is_float_dtype(rounds["accuracy"])
    assert pd.api.types.is_integer_dtype(rounds["n_classes"])
    assert rounds.loc[rounds["round"] == 0, "query_seconds"].isna().all()


def test_the_reference_is_random_where_it_ran_and_else_the_first_strategy() -> None:
    assert choose_reference(["emoc", "random"]) == "random"
    assert choose_reference(["emoc", "min"]) == "emoc"
    assert choose_reference([]) == "random"


def test_a_folder_that_is_no_store_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store.*albench run"):
        collect(tmp_path)


def test_the_leaderboard_in_text_names_pairs_that_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_leaderboard(Synthetic(missing={("random", 2): "ValueError: boom"}).write(tmp_path))
    out = capsys.readouterr().out
    assert "digits / emoc: no pair with random at seed 2" in out
    assert "vs random" in out


def test_the_leaderboard_in_text_says_why_one_seed_has_no_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_leaderboard(Synthetic(seeds=[0]).write(tmp_path))
    assert "one seed gives no interval" in capsys.readouterr().out


def test_a_store_with_nothing_finished_prints_no_leaderboard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_leaderboard(Synthetic(effects={"random": 0.0}, seeds=[0], missing={("random", 0): ""}).write(tmp_path))
    assert capsys.readouterr().out == ""
