"""No damaged, doubled or foreign file is ever taken for a good one, and none hides the others."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import albench
from albench.store.sealed import unseal
from albench.store.snapshot import Snapshot
from albench.store.source import CELL, CHECKPOINT, OUTCOME, ROUNDS
from albench.store.store import Store
from tests.conftest import Cli, edit_json, small_run
from tests.store.conftest import cell, numbers


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def digit(path: Path) -> None:
    text = path.read_text()
    place = text.index('"round": ') + len('"round": ') if '"round": ' in text else text.index('"seed": ') + 8
    path.write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])


def doubled(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], lines[-1], lines[-1]]))


def other_cells(path: Path) -> None:
    shutil.copy(cell(path.parents[4], "random") / path.name, path)


def in_turn(path: Path) -> None:
    path.write_bytes(b"".join(reversed(path.read_bytes().splitlines(keepends=True))))


def without_first(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "loss": Path.unlink,
    "a flipped bit": flip,
    "zeros": lambda path: path.write_bytes(b"\0" * path.stat().st_size),
    "nothing left": lambda path: path.write_bytes(b""),
    "a truncation": lambda path: path.write_bytes(path.read_bytes()[:-30]),
    "another digit": digit,
    "another cell's": other_cells,
    "a folder in its place": lambda path: (path.unlink(), path.mkdir()),
    "a doubled line": doubled,
    "other order": in_turn,
    "the first line lost": without_first,
}
OF_LINES = {"a doubled line", "other order", "the first line lost"}
FILES = (CELL, ROUNDS, OUTCOME)


@pytest.mark.parametrize(
    ("name", "damage"), [(name, damage) for name in FILES for damage in DAMAGES if name == ROUNDS or damage not in OF_LINES]
)  # fmt: skip
def test_a_damaged_cell_is_named_left_out_and_repaired_from_its_checkpoint(
    name: str, damage: str, store: Path, pristine: Path, cli: Cli
) -> None:
    DAMAGES[damage](cell(store) / name)
    with pytest.warns(
        albench.StoreWarning, match=rf"digits / .* / min / seed 0 is damaged and left out: .*{name} is dam"
    ):
        left = albench.load(store)
    whole = albench.load(pristine)
    is_damaged = (whole.strategy == "min") & (whole.seed == 0)
    assert numbers(left) == numbers(whole[~is_damaged]), "one damaged cell hides no other"
    shown = cli("status", store)
    assert (shown.code, shown.out.count("damaged  0")) == (0, 1)
    assert "3 of 4 cells done; 1 damaged" in shown.out
    assert "run the study again, which restores the cell from its checkpoint" in shown.out
    reported = cli("report", store, "--format", "md", "-o", "-")
    assert reported.code == 0
    assert reported.err.startswith("warning: digits / ")
    assert "3 of 4 cells are done" in reported.out
    if damage == "a folder in its place":
        (cell(store) / name).rmdir()
    again = small_run(store, "random,min", seeds=2)
    assert again.exit_code == 0, again.statuses
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numbers(albench.load(store)) == numbers(whole)
    assert Store(store).snapshots()[0][1].outcome is not None


def test_a_cell_of_another_schema_is_damaged_and_can_be_repaired(store: Path, pristine: Path) -> None:
    edit_json(cell(store) / CELL, lambda record: record.update(schema=99))
    assert "has schema 99 and this version of albench reads 2" in Store(store).snapshots()[2][1].damage
    assert small_run(store, "random,min", seeds=2).exit_code == 0
    assert numbers(albench.load(store)) == numbers(albench.load(pristine))


def test_a_cell_that_was_killed_between_its_last_round_and_its_outcome_is_finished_by_the_next_run(store: Path) -> None:
    for status in ("running", "failed"):
        (cell(store) / OUTCOME).unlink()
        edit_json(cell(store) / CELL, lambda one: one.update(status=status, error="") or one.pop("rounds"))  # noqa: B023
        assert [one.status for one in Store(store).statuses()].count("done") == 3
        assert small_run(store, "random,min", seeds=2, retry=True).exit_code == 0
        assert (cell(store) / OUTCOME).exists()


@pytest.mark.parametrize("wanted", range(3))
def test_an_interrupted_cell_is_done_only_with_the_outcome_of_its_last_round(wanted: int) -> None:
    record = {"status": "running", "error": None, "exhausted": False}
    rows = [{"round": number} for number in range(wanted + 1)]
    for kept in (None, *({"round": number} for number in range(wanted))):
        assert not Snapshot(record, rows, kept).is_done(wanted)
    assert Snapshot(record, rows, {"round": wanted}).is_done(wanted)
    assert not Snapshot(record, rows, {"round": wanted}).is_done(wanted + 1)


def test_a_cell_that_was_killed_before_the_outcome_of_more_rounds_is_finished_by_the_next_run(store: Path) -> None:
    before = (cell(store) / OUTCOME).read_bytes()
    small_run(store, "min", seeds=1, rounds=3)
    (cell(store) / OUTCOME).write_bytes(before)
    edit_json(cell(store) / CELL, lambda one: one.update(status="running", rounds=2))
    assert small_run(store, "min", seeds=1, rounds=2).statuses[0].status == "done", "the outcome of two rounds is there"
    assert (cell(store) / OUTCOME).read_bytes() == before
    assert small_run(store, "min", seeds=1, rounds=3).exit_code == 0
    assert unseal((cell(store) / OUTCOME).read_bytes())["round"] == 3


def test_the_page_names_a_damaged_cell(store: Path, tmp_path: Path) -> None:
    flip(cell(store) / ROUNDS)
    page = albench.report(store, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "3 of 4 cells; 1 damaged: digits / min / seed 0" in page


@pytest.mark.parametrize("damage", ["a flipped bit", "zeros", "nothing left", "a truncation", "another cell's"])
def test_a_cell_never_goes_on_from_a_damaged_checkpoint(damage: str, store: Path, cli: Cli) -> None:
    DAMAGES[damage](cell(store) / CHECKPOINT)
    whole = albench.load(store)
    assert len(whole) == 12, "what was recorded holds"
    more = small_run(store, "random,min", seeds=2, rounds=3)
    by_name = {(one.strategy, one.seed): one for one in more.statuses}
    assert by_name["min", 0].status == "damaged"
    assert "checkpoint.safetensors is damaged" in by_name["min", 0].reason
    assert "to compute the cell anew, delete its folder" in by_name["min", 0].reason
    assert {one.status for name, one in by_name.items() if name != ("min", 0)} == {"done"}
    assert small_run(store, "random,min", seeds=2).exit_code == 0, "its two rounds hold for ever"
    shutil.rmtree(cell(store))
    assert small_run(store, "random,min", seeds=2, rounds=3).exit_code == 0


def test_a_cell_whose_checkpoint_is_damaged_too_is_kept_and_named(store: Path) -> None:
    flip(cell(store) / CHECKPOINT)
    flip(cell(store) / ROUNDS)
    before = {
        path.name: path.read_bytes() for path in cell(store).iterdir() if path.suffix in (".jsonl", ".safetensors")
    }
    again = small_run(store, "random,min", seeds=2)
    assert [one.status for one in again.statuses].count("damaged") == 1
    assert {name: (cell(store) / name).read_bytes() for name in before} == before


def test_rounds_without_a_checkpoint_can_be_read_for_ever_and_are_never_started_over(store: Path) -> None:
    (cell(store) / CHECKPOINT).unlink()
    assert small_run(store, "random,min", seeds=2).exit_code == 0
    more = small_run(store, "random,min", seeds=2, rounds=3)
    refused = next(one for one in more.statuses if (one.strategy, one.seed) == ("min", 0))
    assert (refused.status, refused.rounds) == ("failed", 2)
    assert "has rounds and no checkpoint of them, as in an archive without weights" in refused.reason
    assert len(albench.load(store, unfinished=True).query("strategy == 'min' and seed == 0")) == 3


@pytest.mark.parametrize("damage", ["a flipped bit", "zeros", "nothing left", "a truncation"])
def test_a_damaged_initial_network_serves_no_cell(damage: str, store: Path) -> None:
    path = next(store.glob("initial/digits/seed-0-*.safetensors"))
    DAMAGES[damage](path)
    outcome = small_run(store, "random,min,max", seeds=1)
    assert [one.status for one in outcome.statuses] == ["done", "done", "damaged"]
    assert f"{path} is damaged" in outcome.statuses[2].reason
    assert "delete it, and the network is trained again" in outcome.statuses[2].reason
    path.unlink()
    assert small_run(store, "random,min,max", seeds=1).exit_code == 0


def test_an_initial_network_of_another_seed_serves_no_cell(store: Path) -> None:
    one, other = (next(store.glob(f"initial/digits/seed-{seed}-*.safetensors")) for seed in (0, 1))
    shutil.copy(one, other)
    outcome = small_run(store, "max", seeds=2)
    assert [one.status for one in outcome.statuses] == ["done", "damaged"]
    assert "it is another network's" in outcome.statuses[1].reason


@pytest.mark.parametrize("damage", ["lost", "a flipped bit", "zeros", "nothing left", "a truncation", "another digit"])
def test_a_lost_study_is_put_together_from_its_cells(damage: str, store: Path, pristine: Path, cli: Cli) -> None:
    path = store / "study.json"
    before = unseal(path.read_bytes())
    path.unlink() if damage == "lost" else DAMAGES[damage](path)
    with pytest.warns(albench.StoreWarning, match=r"study\.json is .* put together from 4 cells"):
        assert numbers(albench.load(store)) == numbers(albench.load(pristine))
    shown = cli("status", store)
    assert "4 of 4 cells done" in shown.out
    assert shown.err.count("warning: ") == 1
    assert cli("report", store).code == 0
    assert small_run(store, "random,min", seeds=2).exit_code == 0
    after = unseal(path.read_bytes())
    assert after.pop("commands") == before.pop("commands")
    assert {name: value for name, value in after.items() if name != "cells"} == {
        name: value for name, value in before.items() if name != "cells"
    }
    assert sorted(map(str, after["cells"])) == sorted(map(str, before["cells"]))


def test_rounds_that_were_lost_at_the_end_of_an_exhausted_pool_are_noticed(tmp_path: Path) -> None:
    small_run(tmp_path, "random", set_size=40, rounds=50)
    path = cell(tmp_path, "random") / ROUNDS
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    assert Store(tmp_path).statuses()[0].status == "damaged"
    assert "it has 9 lines of 11" in Store(tmp_path).statuses()[0].reason
    assert small_run(tmp_path, "random", set_size=40, rounds=50).statuses[0].rounds == 10
