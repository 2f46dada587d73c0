from __future__ import annotations

import json
import subprocess
from pathlib import Path
from shutil import which

import numpy as np
import pandas as pd
import pytest

from albench.analysis import areas
from albench.cli.leaderboard import print_leaderboard
from albench.errors import DataError, RequestError, StoreError
from albench.store import rows
from albench.store.results import choose_reference, collect, load, load_split
from tests.conftest import Cli, edit_rows, small_run
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


@pytest.mark.parametrize("at_once", [1, 5, 7])
def test_rows_are_the_same_however_many_are_turned_into_columns_at_once(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Synthetic(protocols=("discovery", "top-k"), missing={("min", 1): "lost"}).write(tmp_path)
    whole = load(store, unfinished=True)
    monkeypatch.setattr(rows, "_AT_ONCE", at_once)
    pd.testing.assert_frame_equal(load(store, unfinished=True), whole, check_exact=True)
    assert load(store)["query_indices"].iloc[1].dtype == np.int64


def test_what_sections_share_is_computed_once_and_anew_for_other_settings(tmp_path: Path) -> None:
    results = Synthetic(scenarios=("digits", "cifar100")).results(tmp_path)
    assert results.areas is results.areas
    assert results.target_labels is results.target_labels
    pd.testing.assert_frame_equal(results.areas, areas(results.rounds))
    assert set(results.only(["digits"]).areas["setting"]) == {"digits"}
    assert set(results.areas["setting"]) == {"digits", "cifar100"}


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


def test_the_checksum_is_the_one_that_a_shell_computes(tmp_path: Path) -> None:
    if not (which("sha256sum") and which("find")):
        pytest.skip("there is no sha256sum here")
    store = Synthetic(effects={"random": 0.0, "emoc[output=softmax]": 0.1}).write(tmp_path / "store")
    command = (
        "find study.json cells -name '*.json*' -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    )
    done = subprocess.run(command, shell=True, cwd=store, capture_output=True, text=True, check=True)
    assert collect(store).stores == [{"store": "store", "sha256": done.stdout.split()[0]}]


def test_stores_of_one_protocol_are_merged_by_their_cells(tmp_path: Path) -> None:
    mine = Synthetic(effects={"emoc": 0.1}).write(tmp_path / "mine")
    theirs = Synthetic(effects={"random": 0.0}).write(tmp_path / "theirs")
    results = collect(mine, theirs)
    assert set(results.strategies) == {"emoc", "random"}
    assert len(results.cells) == 6
    assert [one["store"] for one in results.stores] == ["mine", "theirs"]
    assert set(results.study["strategies"]) == {"emoc", "random"}


def test_a_cell_that_two_stores_hold_counts_once_and_is_marked(tmp_path: Path) -> None:
    study = Synthetic(effects={"random": 0.0})
    results = collect(study.write(tmp_path / "a"), study.write(tmp_path / "b"))
    assert len(results.rounds) == len(load(tmp_path / "a"))
    assert (results.cells["copies"] == 2).all()
    assert results.cells["copies_agree"].all()


def test_copies_of_a_cell_that_disagree_are_found(tmp_path: Path) -> None:
    study = Synthetic(effects={"random": 0.0}, seeds=[0])
    first, second = study.write(tmp_path / "a"), study.write(tmp_path / "b")
    rows = next(second.rglob("rounds.jsonl"))
    edit_rows(rows, lambda row: row.update(accuracy=row["accuracy"] / 2))
    assert not collect(first, second).cells["copies_agree"].any()


def test_a_finished_cell_is_taken_before_a_failed_one_of_another_store(tmp_path: Path) -> None:
    failed = Synthetic(missing={("emoc", 1): "ValueError: boom"}).write(tmp_path / "failed")
    whole = Synthetic().write(tmp_path / "whole")
    assert (collect(failed, whole).cells["status"] == "done").all()


def test_stores_of_different_protocols_are_refused_and_the_difference_is_named(tmp_path: Path) -> None:
    first = Synthetic().write(tmp_path / "first")
    second = Synthetic(learner={"initial_iterations": 7}).write(tmp_path / "second")
    with pytest.raises(StoreError, match=r"second cannot be reported .* finetune initial_iterations \(1000 and 7\)"):
        collect(first, second)


def test_cells_of_one_name_from_other_data_are_refused(tmp_path: Path) -> None:
    store = Synthetic().write(tmp_path / "first")
    other = Synthetic(fingerprints={0: "of other data"}).write(tmp_path / "second")
    with pytest.raises(StoreError, match="is not the same cell in first and second"):
        collect(store, other)


def test_of_stores_with_unequal_rounds_the_common_ones_count(tmp_path: Path) -> None:
    short = Synthetic(effects={"emoc": 0.1}, rounds=4).write(tmp_path / "short")
    long = Synthetic(effects={"random": 0.0}, rounds=6).write(tmp_path / "long")
    results = collect(short, long)
    assert results.rounds.groupby("strategy")["round"].max().to_dict() == {"emoc": 4, "random": 4}


def test_an_unknown_reference_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"'emok'.*did you mean 'emoc'"):
        collect(Synthetic().write(tmp_path), reference="emok")


def test_a_cell_keeps_what_its_network_made_of_each_class(tmp_path: Path) -> None:
    small_run(tmp_path / "store", strategies="random")
    outcome = collect(tmp_path / "store").outcomes[0]
    last = load(tmp_path / "store").iloc[-1]
    confusion = np.array(outcome["confusion"])
    assert outcome["round"] == last["round"]
    assert confusion.shape == (10, 10)
    assert np.trace(confusion) / confusion.sum() == pytest.approx(last["accuracy"])
    known = confusion[: outcome["n_known"]]
    assert np.trace(known) / known.sum() == pytest.approx(last["accuracy_known"])


def test_the_data_of_a_result_are_returned_only_when_they_are_the_same(tmp_path: Path) -> None:
    small_run(tmp_path / "store", strategies="random")
    results = collect(tmp_path / "store")
    split = load_split(results, "digits", 0)
    asked = results.rounds["query_indices"].iloc[1]
    assert set(asked) <= set(split.pool.tolist())
    results.cells["fingerprint"] = "of other data"
    with pytest.raises(DataError, match="not those that the results were computed from"):
        load_split(results, "digits", 0)


def test_the_command_line_merges_stores_and_names_what_differs(tmp_path: Path, cli: Cli) -> None:
    mine = Synthetic(effects={"emoc": 0.1}).write(tmp_path / "mine")
    theirs = Synthetic(effects={"random": 0.0}).write(tmp_path / "theirs")
    done = cli("report", mine, theirs, "-o", tmp_path / "both.html")
    assert (done.code, done.out.strip()) == (0, str(tmp_path / "both.html"))
    assert cli("report", mine, theirs).code == 2
    other = Synthetic(effects={"max": 0.0}, set_size=9).write(tmp_path / "other")
    refused = cli("report", mine, other, "-o", tmp_path / "no.html")
    assert refused.code == 2
    assert "discovery set_size (5 and 9)" in refused.err


def test_a_place_that_cannot_be_written_is_named_in_a_sentence(tmp_path: Path, cli: Cli) -> None:
    store = Synthetic().write(tmp_path / "store")
    (tmp_path / "file").write_text("")
    done = cli("report", store, "-o", tmp_path / "file" / "report.html")
    assert done.code == 2
    assert "cannot be written" in done.err
    assert "Traceback" not in done.err


def test_benchmarks_are_read_from_pytest_benchmarks_json(tmp_path: Path) -> None:
    stats = {"mean": 0.5, "stddev": 0.1, "rounds": 7}
    file = tmp_path / "benchmarks.json"
    file.write_text(json.dumps({"benchmarks": [{"name": "emoc", "group": None, "stats": stats}]}))
    results = collect(Synthetic().write(tmp_path / "store"), benchmarks=file)
    assert results.benchmarks[0]["mean_seconds"] == 0.5
    file.write_text("[]")
    with pytest.raises(RequestError, match="no JSON file of pytest-benchmark"):
        collect(tmp_path / "store", benchmarks=file)
