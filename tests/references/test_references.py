"""Finished studies to compare with: what they hold is not run, and their numbers can be had again."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import albench
from albench.processor import processor
from albench.references import beside, shelf, verifying
from albench.store.joining import Copy
from albench.store.store import Store
from tests.conftest import SMALL, Cli, edit_json, edit_rows, small_options, small_run

SOURCE = (
    "import albench\nclass Mine(albench.Strategy):\n    def score(self, query):\n        return query.logits[:, 0]\n"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished study of two strategies on two seeds."""
    store = tmp_path_factory.mktemp("made") / "base"
    small_run(store, "min,random", seeds=2)
    return store


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Path:
    return albench.export(made, tmp_path / "base.zip", weights=True)


def words(tmp_path: Path, strategies: str, *more: object) -> list[object]:
    (tmp_path / "mine.py").write_text(SOURCE)
    chosen = strategies.replace("Mine", f"{tmp_path / 'mine.py'}:Mine")
    return ["run", "--strategies", chosen, *small_options(), "--store", tmp_path / "own", *more]


def cells_of(store: Path) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for path in store.glob("cells/*/*/*/*"):
        found.setdefault(f"{path.parent.parent.name} {path.parent.name}", {})[path.name] = path.read_bytes()
    return found


def test_what_a_reference_holds_is_not_run_and_stands_in_the_report(
    made: Path, archive: Path, tmp_path: Path, cli: Cli
) -> None:
    planned = cli(*words(tmp_path, "Mine,min", "--seeds", 1, "--with-reference", archive, "--dry-run"))
    assert "held by the reference base" in planned.out
    assert "1 cells would run" in planned.out
    assert not (tmp_path / "own").exists(), "a dry run writes nothing"
    done = cli(*words(tmp_path, "Mine,min", "--seeds", 1, "--with-reference", archive))
    assert "1 of 2 cells to run" in done.out
    assert "2 of 2 cells done" in done.out
    assert "digits / Mine: no pair with random at seed 1" in done.out, "random is the reference's, on both seeds"
    own, theirs = cells_of(tmp_path / "own"), cells_of(made)
    (taken,) = (name for name in own if name.startswith("min"))
    for name in ("rounds.jsonl", "outcome.json", "checkpoint.safetensors"):
        assert own[taken][name] == theirs[taken][name]
    assert len(own) == 2, "only the seed asked for"
    (network,) = (tmp_path / "own").glob("initial/*/*")
    assert network.read_bytes() == (made / network.relative_to(tmp_path / "own")).read_bytes()
    page = (tmp_path / "own" / "report.html").read_text()
    assert "Mine" in page
    assert "random" in page
    again = cli("report", tmp_path / "own", "--with-reference", archive, "--format", "csv", "-o", "-")
    assert "random" in again.out


def test_without_its_networks_they_are_trained_here_and_that_is_said(made: Path, tmp_path: Path, cli: Cli) -> None:
    bare = albench.export(made, tmp_path / "bare.zip")
    done = cli(*words(tmp_path, "Mine", "--seeds", 2, "--with-reference", bare))
    assert "the reference bare has no initial network of seed 0, 1; it is trained here" in done.err
    networks = {path.name: path.read_bytes() for path in (tmp_path / "own").glob("initial/*/*")}
    assert len(networks) == 2
    sha = {one["initial_sha256"] for one in _records(tmp_path / "own", "Mine")}
    assert sha == {one["initial_sha256"] for one in _records(made, "min")}, "training is the same here"


def test_a_damaged_network_of_a_reference_is_not_taken(made: Path, tmp_path: Path, cli: Cli) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(made, broken)
    for path in broken.glob("initial/*/seed-0*"):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(bytes(data))
    done = cli(*words(tmp_path, "Mine", "--seeds", 2, "--with-reference", broken))
    assert "the reference broken has no initial network of seed 0; it is trained here" in done.err
    assert "2 of 2 cells done" in done.out


def test_more_rounds_than_a_reference_has_are_run(archive: Path, tmp_path: Path) -> None:
    more = {**SMALL, "rounds": SMALL["rounds"] + 1}
    own = tmp_path / "own"
    outcome = albench.run(strategies="min", seeds=[0], set=more, store=own, with_reference=archive, report=False)
    assert albench.load(archive)["round"].max() == SMALL["rounds"]
    assert outcome.rounds()["round"].max() == more["rounds"]


def own_features(folder: Path, seed: int = 0) -> tuple[list[object], Path]:
    """Return the options of a small study on a file of features, and the file."""
    path, draws = folder / "data.npz", np.random.default_rng(seed)
    np.savez(path, features=draws.normal(size=(160, 6)).astype(np.float32), labels=np.repeat(np.arange(4), 40))
    sizes = "known=2,novel=2,initial_per_class=5,pool_per_class=25,test_per_class=10"
    options = [
        "--scenarios", f"features[path={path},name=mine,{sizes}]", "--network", "linear",
        "--protocol", "top-k[query_size=5]", "--seeds", 1, "--rounds", 1,
        "--set", "initial_iterations=5", "--set", "update_iterations=5",
    ]  # fmt: skip
    return options, path


def test_other_data_under_the_same_name_are_refused(tmp_path: Path, cli: Cli) -> None:
    options, _ = own_features(tmp_path)
    assert cli("run", "--strategies", "random", *options, "--store", tmp_path / "theirs").code == 0
    own_features(tmp_path, seed=1)
    words = ["run", "--strategies", "min", *options, "--store", tmp_path / "own"]
    done = cli(*words, "--with-reference", tmp_path / "theirs")
    assert done.code == 2
    assert "computed from other data" in done.err
    assert not (tmp_path / "own").exists()


def test_a_name_that_is_no_reference_is_refused_with_those_there_are(tmp_path: Path, cli: Cli) -> None:
    for command in (
        words(tmp_path, "min", "--with-reference", "papr"),
        ["reference", "show", "papr"],
        ["reference", "verify", "papr"],
    ):
        done = cli(*command)
        assert done.code == 2
        assert "there is no reference 'papr'; did you mean 'paper'?; installed are: features, paper" in done.err


def test_installed_references_are_listed_and_shown(
    archive: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shelf" / "some_references" / "small"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    shutil.copy(archive, folder / "small.zip")
    shutil.copy(archive, folder / "other.zip")
    monkeypatch.syspath_prepend(str(tmp_path / "shelf"))
    monkeypatch.setattr(shelf, "PACKAGE", "some_references")
    (row,) = json.loads(cli("reference", "list", "--format", "json").out)
    assert row["name"] == "small"
    assert row["strategies"] == ["min", "random"]
    assert row["seeds"] == [0, 1]
    assert row["cells"] == "4 of 4 done"
    assert "min, random  0, 1" in cli("reference", "list").out
    monkeypatch.setattr("albench.cli.reference.SHOWN_TEXT", 8)
    line = cli("reference", "list").out.splitlines()[1]
    assert line.split()[1:4] == ["1", "2", "0,"], "the number of what is long"
    shown = cli("reference", "show", "small").out
    assert processor().name in shown
    assert "4 of 4 done" in shown
    done = cli(*words(tmp_path, "min", "--seeds", 1, "--with-reference", "small"))
    assert "0 of 1 cells to run" in done.out
    sys.modules.pop("some_references", None)


def test_a_cell_of_a_reference_comes_out_the_same(archive: Path, cli: Cli) -> None:
    done = cli("reference", "verify", archive, "--strategy", "min", "--seed", 1)
    assert done.code == 0
    assert "/ min / seed 1: the same in all columns of 3 rows" in done.out


def test_a_reference_whose_numbers_were_touched_is_found_out(made: Path, tmp_path: Path, cli: Cli) -> None:
    touched = tmp_path / "touched"
    shutil.copytree(made, touched)
    (rows,) = touched.glob("cells/digits/min/seed-1-*/rounds.jsonl")
    edit_rows(rows, lambda row: row.update(accuracy=row["accuracy"] + 0.125) if row["round"] == 1 else None)
    done = cli("reference", "verify", touched, "--strategy", "min", "--seed", 1)
    assert done.code == 1
    assert "other numbers from round 1, in accuracy; accuracies are at most 12.50 points apart" in done.out
    assert "they should be the same" in done.err
    (record,) = touched.glob("cells/digits/min/seed-1-*/cell.json")
    edit_json(record, lambda found: found["provenance"].update(cpu_generation="another of the same name"))
    elsewhere = cli("reference", "verify", touched, "--strategy", "min", "--seed", 1)
    assert elsewhere.code == 0
    assert "which moves last digits" in elsewhere.out
    assert cli("reference", "verify", touched, "--strategy", "min", "--seed", 1, "--rounds", 0).code == 0, (
        "round 0 holds"
    )


def test_other_processors_and_versions_are_said(made: Path, tmp_path: Path, cli: Cli) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(made, moved)
    for record in moved.glob("cells/*/*/seed-0-*/cell.json"):
        edit_json(record, lambda found: found["provenance"].update(cpu="a processor of 2040"))
        edit_json(record, lambda found: found["provenance"].pop("cpu_generation"))  # as the first references have it
        edit_json(record, lambda found: found["provenance"]["versions"].update(torch="1.0"))
    done = cli(*words(tmp_path, "min", "--seeds", 1, "--with-reference", moved))
    assert "the reference moved was computed on a processor of 2040, and this is" in done.err
    assert "the reference moved was computed with torch 1.0, and" in done.err
    assert done.code == 0
    other_seed = words(tmp_path, "min", "--seeds", "1,", "--with-reference", moved)
    assert "2040" not in cli(*other_seed).err, "of the seeds asked for"


def test_a_network_that_comes_out_otherwise_is_found_out(made: Path, tmp_path: Path, cli: Cli) -> None:
    other = tmp_path / "other"
    shutil.copytree(made, other)
    shutil.rmtree(other / "initial")
    (record,) = other.glob("cells/digits/min/seed-1-*/cell.json")
    edit_json(record, lambda found: found.update(initial_sha256="0" * 64))
    done = cli("reference", "verify", other, "--strategy", "min", "--seed", 1)
    assert done.code == 1
    assert "its initial network has other weights" in done.out
    assert "other numbers" not in done.out


def test_what_no_reference_holds_is_given_to_verify_a_cell_of_ones_own_data(tmp_path: Path, cli: Cli) -> None:
    options, path = own_features(tmp_path)
    assert cli("run", "--strategies", "random", *options, "--store", tmp_path / "theirs").code == 0
    moved = path.rename(tmp_path / "moved.npz")
    refused = cli("reference", "verify", tmp_path / "theirs")
    assert refused.code == 2
    assert "path" in refused.err
    done = cli("reference", "verify", tmp_path / "theirs", "--set", f"path={moved}")
    assert done.code == 0, done.err
    assert "the same in all columns of 2 rows" in done.out


def test_a_cell_that_somebody_runs_is_left_to_him(made: Path, archive: Path, tmp_path: Path) -> None:
    from albench.api import plan
    from albench.study.study import Request

    request = Request(strategies="min", seeds="0,", values=SMALL)
    (spec,) = plan(request, tmp_path / "own").cells
    with Store(tmp_path / "own").cell_of(spec).owned(spec):
        assert plan(request, tmp_path / "own", references=archive).held == {}
    assert list(plan(request, tmp_path / "own", references=archive).held) == [spec.key]


def test_nothing_that_a_reference_names_in_a_file_is_imported(tmp_path: Path, cli: Cli) -> None:
    assert cli(*words(tmp_path, "Mine", "--seeds", 1)).code == 0
    (tmp_path / "mine.py").write_text("raise SystemExit('imported')")
    done = cli("reference", "verify", tmp_path / "own")
    assert done.code == 2
    assert "has no finished cell" in done.err


def test_a_cell_by_another_version_is_told_apart(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = shelf.find(str(made))
    one, *_ = verifying.candidates(reference, "min", 0)
    monkeypatch.setattr(type(albench.strategy("min")), "results_version", 99)
    with pytest.raises(albench.RequestError, match="min is of version 99 here, and of"):
        verifying.verify(reference, one, None)  # type: ignore[arg-type]


def test_only_finished_cells_are_held(made: Path, tmp_path: Path) -> None:
    from albench.api import plan
    from albench.study.study import Request

    partly = tmp_path / "partly"
    shutil.copytree(made, partly)
    for outcome in partly.glob("cells/digits/min/seed-0-*"):
        shutil.rmtree(outcome)
    request = Request(strategies="min,random", seeds=2, values=SMALL)
    planned = plan(request, tmp_path / "own", references=[partly])
    assert {(cell.strategy.label, cell.seed) for cell in planned.pending()} == {("min", 0)}
    assert all(isinstance(copy, Copy) for copy in planned.held.values())
    assert beside.held_cells(planned.references[0], planned.cells, 7) == {}, "so many rounds it has not"


def _records(store: Path, strategy: str) -> list[dict[str, str]]:
    return [json.loads(path.read_text()) for path in store.glob(f"cells/*/{strategy}/*/cell.json")]
