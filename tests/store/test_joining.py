"""Stores and archives into one: in any order, any number of times, and refused where they do not agree."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import albench
from albench.errors import HeldError, StoreError
from albench.store.results import collect
from albench.store.source import CHECKPOINT, ROUNDS
from albench.store.store import Store
from albench.store.weights import fingerprint_of, load_weights, save_weights
from tests.conftest import Cli, edit_json, edit_rows, small_run
from tests.reports.synthetic import Synthetic

NAMES = ("all", "failed", "others", "more seeds", "archive", "top-k")


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("parts")
    found = {
        "all": Synthetic(seeds=[0, 1]).write(root / "all"),
        "failed": Synthetic(seeds=[0, 1], missing={("emoc", 1): "ValueError: at /data/x.py"}).write(root / "failed"),
        "others": Synthetic(effects={"min": 0.01, "max": 0.0}, seeds=[0], name="others").write(root / "others"),
        "more seeds": Synthetic(effects={"random": 0.0}, seeds=[1, 2]).write(root / "more seeds"),
        "top-k": Synthetic(effects={"random": 0.0}, seeds=[1], protocols=["top-k"]).write(root / "top-k"),
    }
    return {**found, "archive": albench.export(found["failed"], root / "archive.zip")}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6), st.integers(1, 5))
def test_a_merge_depends_neither_on_order_nor_on_repetition_nor_on_steps(
    parts: dict[str, Path], chosen: list[str], first: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        once = albench.merge([parts[name] for name in sorted(set(chosen))], root / "once")
        again = albench.merge([parts[name] for name in chosen], root / "again")
        assert files(again) == files(once)
        for name in chosen[:first]:
            albench.merge(parts[name], root / "steps")
        if chosen[first:]:
            albench.merge([parts[name] for name in reversed(chosen[first:])], root / "rest")
            albench.merge([root / "rest"], root / "steps")
        assert files(root / "steps") == files(once)
        albench.merge(once, root / "once")
        assert files(root / "once") == files(again)


def test_a_merge_has_every_cell_the_copy_with_most_rounds(parts: dict[str, Path], tmp_path: Path) -> None:
    merged = albench.merge([parts[name] for name in NAMES], tmp_path / "m")
    assert {
        (one.strategy, one.seed, one.status) for one in Store(merged).statuses() if one.protocol == "discovery"
    } == {
        *((name, seed, "done") for name in ("emoc", "min", "random") for seed in (0, 1)),
        ("max", 0, "done"),
        ("random", 2, "done"),
    }
    assert Store(merged).study["name"] == "others + synthetic"
    both = albench.load(merged)
    whole = albench.load(parts["all"])
    kept = both[both.setting.isin(whole.setting) & both.strategy.isin(whole.strategy) & (both.seed < 2)]
    columns = ["strategy", "seed", "round"]
    assert kept.sort_values(columns).accuracy.tolist() == whole.sort_values(columns).accuracy.tolist()


def test_a_store_goes_on_where_it_was_merged(tmp_path: Path) -> None:
    small_run(tmp_path / "a", "random", seeds=1)
    small_run(tmp_path / "b", "random,min", seeds=2)
    merged = albench.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "m")
    assert small_run(merged, "random,min", seeds=2, rounds=3).exit_code == 0
    small_run(tmp_path / "b", "random,min", seeds=2, rounds=3)
    columns = ["strategy", "seed", "round", "accuracy"]
    one, other = (albench.load(store)[columns].sort_values(columns[:3]) for store in (merged, tmp_path / "b"))
    assert one.to_numpy().tolist() == other.to_numpy().tolist()


def test_a_copy_is_taken_whole_without_the_checkpoint_of_one_that_has_fewer_rounds(tmp_path: Path) -> None:
    small_run(tmp_path / "short", "random", rounds=1)
    small_run(tmp_path / "long", "random", rounds=2)
    albench.merge(albench.export(tmp_path / "long", tmp_path / "long.zip"), tmp_path / "short")
    cell = next((tmp_path / "short").glob("cells/digits/random/*"))
    assert len((cell / ROUNDS).read_bytes().splitlines()) == 3
    assert not (cell / CHECKPOINT).exists()


def test_a_checkpoint_that_is_damaged_is_merged_from_nowhere(tmp_path: Path) -> None:
    small_run(tmp_path / "damaged", "random", rounds=1)
    (checkpoint,) = (tmp_path / "damaged").glob(f"cells/*/*/*/{CHECKPOINT}")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1] + b"x")
    merged = albench.merge(tmp_path / "damaged", tmp_path / "merged")
    assert len(albench.load(merged)) == 2
    assert list(merged.glob(f"cells/*/*/*/{CHECKPOINT}")) == []


def test_a_cell_that_is_being_run_is_not_replaced(parts: dict[str, Path], tmp_path: Path) -> None:
    store = Store(albench.merge(parts["failed"], tmp_path / "m"))
    cell = next(one for one in store.cells() if (one["strategy"], one["seed"]) == ("emoc", 1))
    before = files(store.root)
    with store.cell(**cell).owned("it"), pytest.raises(HeldError, match="emoc / seed 1 is held by process"):
        albench.merge(parts["all"], tmp_path / "m")
    assert {name: data for name, data in files(store.root).items() if name == "study.json"} == {
        "study.json": before["study.json"]
    }


def test_what_cannot_be_joined_is_refused_and_both_are_named(parts: dict[str, Path], tmp_path: Path, cli: Cli) -> None:
    other = Synthetic(effects={"random": 0.0}, seeds=[0]).write(tmp_path / "other")
    edit_rows(next(other.rglob(ROUNDS)), lambda row: row.update(accuracy=0.5))
    ran = cli("merge", parts["all"], other, "-o", tmp_path / "m")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert (
        f"digits / random / seed 0 has other numbers in {parts['all']} than in {other} (round 0: accuracy)" in ran.err
    )
    assert not (tmp_path / "m" / "study.json").exists()
    data = Synthetic(effects={"random": 0.0}, seeds=[0], fingerprints={0: "x"}).write(tmp_path / "data")
    with pytest.raises(StoreError, match=rf"is not the same cell in {parts['all']} and {data}: its data, or the code"):
        albench.merge([parts["all"], data], tmp_path / "m")
    learner = Synthetic(learner={"initial_iterations": 7}).write(tmp_path / "learner")
    with pytest.raises(StoreError, match=r"learner cannot be joined with .*all: they differ in finetune"):
        albench.merge([parts["all"], learner], tmp_path / "m")


@pytest.mark.parametrize("name", ["name", "version"])
def test_a_parameter_that_is_called_as_what_every_component_has_is_told_apart_from_it(
    name: str, tmp_path: Path
) -> None:
    def written(place: str, own: Any, parameter: Any) -> Path:
        store = Synthetic(effects={"random": 0.0}, seeds=[0]).write(tmp_path / place)

        def edit(study: dict[str, Any]) -> None:
            study["strategies"]["random"] |= {name: own, "changed": {name: parameter}}

        edit_json(store / "study.json", edit)
        return store

    first, other = written("first", "1", 3), written("another parameter", "1", 4)
    with pytest.raises(StoreError, match=rf"they differ in random parameter {name} \(3 and 4\)"):
        albench.merge([first, other], tmp_path / "m")
    with pytest.raises(StoreError, match=rf"they differ in random {name} \(1 and 2\)"):
        albench.merge([first, written("another component", "2", 3)], tmp_path / "m")


def test_a_cell_that_is_done_is_taken_before_a_copy_that_a_kill_left_without_its_end(tmp_path: Path) -> None:
    for name in ("whole", "killed"):
        small_run(tmp_path / name, "random", set_size=40, rounds=None)
    record = next((tmp_path / "killed").rglob("cell.json"))
    edit_json(record, lambda record: record.update(status="running", exhausted=False) or record.pop("rounds"))
    parts = [tmp_path / "whole", tmp_path / "killed"]
    archives = [albench.export(part, part.with_suffix(".zip")) for part in parts]
    for place, chosen in enumerate((parts, parts[::-1], archives, archives[::-1], [parts[1], archives[0]])):
        merged = albench.merge(chosen, tmp_path / f"m{place}")
        assert [one.status for one in Store(merged).statuses()] == ["done"]


def test_a_row_with_a_member_more_is_another_row_in_any_order(parts: dict[str, Path], tmp_path: Path) -> None:
    other = Synthetic(seeds=[0, 1]).write(tmp_path / "other")
    edit_rows(next(other.rglob(ROUNDS)), lambda row: row.update(extra=1))
    for chosen in ([parts["all"], other], [other, parts["all"]]):
        with pytest.raises(StoreError, match=r"round 0: extra"):
            albench.merge(chosen, tmp_path / "m")


def test_columns_of_one_name_and_of_two_types_are_refused(tmp_path: Path) -> None:
    stores = []
    for name, kind, protocol in (("a", "Int64", "discovery"), ("b", "object", "top-k")):
        store = Synthetic(effects={"random": 0.0}, seeds=[0], protocols=[protocol]).write(tmp_path / name)

        def declare(study: dict[str, Any], kind: str = kind) -> None:
            next(iter(study["settings"].values()))["columns"] = {"depth": kind}

        edit_json(store / "study.json", declare)
        stores.append(store)
    with pytest.raises(StoreError, match=r"b cannot be joined with the others: a protocol's column 'depth'"):
        albench.merge(stores, tmp_path / "m")


def test_of_initial_networks_that_were_trained_apart_the_one_that_cells_started_from_is_kept(tmp_path: Path) -> None:
    small_run(tmp_path / "a", "random")
    small_run(tmp_path / "b", "random")
    path = next((tmp_path / "b").rglob("initial/*/*.safetensors"))
    weights, state = load_weights(path.read_bytes())
    for name, other in {"again": {**state, "train_seconds": 0.0}, "foreign": {**state, "key": "0" * 64}}.items():
        changed = {key: value + (name == "again") for key, value in weights.items()}
        save_weights(path, changed, {**other, "sha256": fingerprint_of(changed)})
        merged = albench.merge([tmp_path / "b", tmp_path / "a"], tmp_path / name)
        kept, own = (next(root.rglob("initial/*/*.safetensors")).read_bytes() for root in (merged, tmp_path / "a"))
        assert kept == own


def test_times_may_differ_where_numbers_agree(parts: dict[str, Path], tmp_path: Path) -> None:
    slower = Synthetic(seeds=[0, 1]).write(tmp_path / "slower")
    for path in slower.rglob(ROUNDS):
        edit_rows(path, lambda row: row.update(eval_seconds=9.0))
    one = albench.merge([parts["all"], slower], tmp_path / "one")
    other = albench.merge([slower, parts["all"]], tmp_path / "other")
    assert files(one) == files(other)


def test_a_cell_that_no_store_has_finished_has_no_copy_that_disagrees(parts: dict[str, Path]) -> None:
    cells = collect(parts["failed"]).cells
    assert set(cells["status"]) == {"done", "failed"}
    assert cells["copies_agree"].all()


def test_a_folder_that_is_no_store_is_not_merged_into(parts: dict[str, Path], tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    ran = cli("merge", parts["all"], "-o", tmp_path / "mine")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "mine is no store, and holds 'thesis.tex'" in ran.err
    assert files(tmp_path / "mine") == {"thesis.tex": b"x"}
