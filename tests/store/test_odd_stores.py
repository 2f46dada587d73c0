"""Stores whose checksums hold and which are still not what they should be: they may come from anywhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import albench
from albench.store.rows import wrong_value
from albench.store.sealed import unseal
from albench.store.source import CELL, CHECKPOINT, ROUNDS
from albench.store.store import Store
from albench.store.weights import load_weights, save_weights
from tests.conftest import Cli, edit_json, edit_rows, small_options, small_run
from tests.store.conftest import cell, numbers


def test_rows_of_two_attempts_are_no_cells_rounds(store: Path) -> None:
    edit_rows(cell(store) / ROUNDS, lambda row: row.update(attempt=f"{row['attempt']}{row['round'] % 2}"))
    assert "is not round 1 of one attempt" in Store(store).snapshots()[2][1].damage


def test_a_record_whose_key_is_not_that_of_what_it_describes_is_damaged(store: Path) -> None:
    edit_json(cell(store) / CELL, lambda record: record["spec"].update(seed=7))
    assert "its key is not that of what it describes" in Store(store).snapshots()[2][1].damage


ODD: dict[str, Callable[[dict[str, Any]], object]] = {
    "upwards": lambda study: study["cells"][0].update(key="../../../" + "0" * 55),
    "a large seed": lambda study: study["cells"][0].update(seed=2**70),
    "an unknown setting": lambda study: study["cells"][0].update(setting="x"),
    "a list for a mapping": lambda study: study.update(settings=[]),
    "a column's odd type": lambda study: next(iter(study["settings"].values())).update(columns={"x": "int12"}),
    "a missing part": lambda study: next(iter(study["settings"].values())).pop("protocol"),
}


@pytest.mark.parametrize("odd", ODD)
def test_a_study_of_another_shape_is_damaged_though_its_checksum_holds(odd: str, store: Path, pristine: Path) -> None:
    edit_json(store / "study.json", ODD[odd])
    with pytest.warns(albench.StoreWarning, match=r"study\.json is damaged"):
        assert numbers(albench.load(store)) == numbers(albench.load(pristine))


VALUES = {
    "n_labeled": "many",
    "round": None,
    "accuracy": float("inf"),
    "query_indices": ["a"],
    "query_label": 2**70,
    "query_is_novel": 1,
    "query_class": 7,
    "notes": [],
    "strategy": 5,
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_its_column_cannot_hold_damages_its_cell_alone(name: str, store: Path) -> None:
    edit_rows(cell(store) / ROUNDS, lambda row: row.update({name: VALUES[name]}) if row["round"] == 2 else None)
    with pytest.warns(albench.StoreWarning, match=r"min / seed 0 is damaged and left out: .*line 3"):
        assert len(albench.load(store)) == 9


HELD: dict[str, tuple[list[Any], list[Any]]] = {  # by a column of a type, and not held by it
    "int64": ([0, -(2**63), 2**63 - 1], [2**63, -(2**63) - 1, None, True, 1.0]),
    "Int64": ([None, -(2**63), 2**63 - 1], [2**63, -(2**63) - 1, False, "1"]),
    "float64": ([None, 1, -1.5], [float("nan"), float("-inf"), True, "1"]),
    "boolean": ([None, True, False], [0, 1, "True"]),
    "str": (["", "x"], [None, 1]),
    "object": ([None, [1], "x"], []),
}


@pytest.mark.parametrize("dtype", HELD)
def test_a_column_holds_what_its_type_holds_and_nothing_else(dtype: str) -> None:
    fitting, others = HELD[dtype]
    assert wrong_value([{"n_extra": value} for value in fitting], {"n_extra": dtype}) == ""
    for value in others:
        rows = [{"n_extra": fitting[0]}, {"n_extra": value}]
        assert wrong_value(rows, {"n_extra": dtype}).startswith("line 2: n_extra is ")


@pytest.mark.parametrize(("rounds", "fits"), [(0, True), (2**63 - 1, True), (-1, False), (2**63, False)])
def test_a_study_may_ask_for_any_number_of_rounds_that_a_frame_can_hold(rounds: int, fits: bool, store: Path) -> None:
    edit_json(store / "study.json", lambda study: next(iter(study["settings"].values())).update(rounds=rounds))
    with nullcontext() if fits else pytest.warns(albench.StoreWarning, match=r"study\.json is damaged"):
        (setting,) = Store(store).study["settings"].values()
    assert (setting["rounds"] == rounds) == fits


def test_a_cell_under_another_cells_name_is_damaged(store: Path) -> None:
    study = unseal((store / "study.json").read_bytes())
    one, other = ({**one, "scenario": "digits"} for one in study["cells"] if one["seed"] == 0)
    shutil.copytree(Store(store).cell(**one).path, Store(store).cell(**{**other, "key": one["key"]}).path)
    edit_json(
        store / "study.json",
        lambda study: (
            study["cells"].remove({name: one[name] for name in ("setting", "strategy", "seed", "key")})
            or next(
                cell for cell in study["cells"] if cell["strategy"] == other["strategy"] and cell["seed"] == 0
            ).update(key=one["key"])
        ),
    )
    with pytest.warns(albench.StoreWarning, match="it is of a cell of another name"):
        assert len(albench.load(store)) == 6


def test_a_study_that_names_two_cells_of_one_key_is_damaged(store: Path) -> None:
    edit_json(store / "study.json", lambda study: study["cells"][1].update(key=study["cells"][0]["key"]))
    with pytest.warns(albench.StoreWarning, match="it names two cells of one key"):
        assert len(albench.load(store)) == 12


STATES: dict[str, Callable[[dict[str, Any]], object]] = {
    "nothing": lambda state: state.clear(),
    "no rows": lambda state: state.update(rows=5),
    "a row of another round": lambda state: state.update(rows=[{"round": 7}]),
    "a memory that is a list": lambda state: state.update(memory=[]),
    "labels that are none": lambda state: state.update(labeled=["x"]),
}


@pytest.mark.parametrize("odd", STATES)
def test_a_checkpoint_of_another_shape_is_damaged_and_replaces_no_rounds(odd: str, store: Path) -> None:
    path = cell(store) / CHECKPOINT
    weights, state = load_weights(path.read_bytes())
    STATES[odd](state)
    save_weights(path, weights, state)
    rows = (cell(store) / ROUNDS).read_bytes()
    more = small_run(store, "random,min", seeds=2, rounds=3)
    assert {one.status for one in more.statuses if (one.strategy, one.seed) == ("min", 0)} == {"damaged"}
    assert (cell(store) / ROUNDS).read_bytes() == rows


def test_a_checkpoint_that_lags_behind_replaces_no_rounds(store: Path) -> None:
    early = store.parent / "early"
    small_run(early, "random,min", seeds=2, rounds=1)
    shutil.copy(cell(early) / CHECKPOINT, cell(store) / CHECKPOINT)
    more = small_run(store, "random,min", seeds=2, rounds=3)
    refused = next(one for one in more.statuses if (one.strategy, one.seed) == ("min", 0))
    assert "has rounds and no checkpoint of them" in refused.reason
    assert refused.rounds == 2


def test_a_pipe_in_a_files_place_is_not_waited_for(store: Path) -> None:
    path = cell(store) / ROUNDS
    path.unlink()
    os.mkfifo(path)
    assert "it is no file" in Store(store).snapshots()[2][1].damage


def test_nothing_is_logged_through_a_link(store: Path, tmp_path: Path, cli: Cli) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine\n")
    log = cell(store) / "log.txt"
    log.unlink(missing_ok=True)
    log.symlink_to(victim)
    cli("run", "--strategies", "min", "--seeds", 1, *small_options(rounds=3), "--store", store)
    assert victim.read_text() == "mine\n"


def test_labels_of_dots_lead_nowhere(tmp_path: Path) -> None:
    inside = Store(tmp_path).cell(scenario="..", strategy=".", seed=0, key="f" * 64).path
    assert inside.resolve().is_relative_to(tmp_path / "cells")
    assert len(inside.relative_to(tmp_path / "cells").parts) == 3
