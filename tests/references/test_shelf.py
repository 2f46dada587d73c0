"""The references that come with albench are whole, and what their study files ask for."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import albench
from albench.references.beside import processor_of
from albench.references.shelf import find, shelf
from albench.store.joining import joined
from albench.study.study import Request, read_study

FOLDER = Path(__file__).parent.parent.parent / "references" / "albench_references"
LARGEST = 10 * 2**20  # bytes of an archive in the repository
FOLDERS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith("_"))


@pytest.mark.parametrize("name", FOLDERS)
def test_a_reference_has_a_study_file_and_the_script_that_makes_it(name: str) -> None:
    study = read_study(Request(file=FOLDER / name / "study.toml"))
    assert study.name == name
    assert "study.toml" in (FOLDER / name / "run.sh").read_text()


@pytest.mark.parametrize("name", sorted(shelf()))
def test_an_archive_is_whole_and_of_its_study_file(name: str, tmp_path: Path) -> None:
    assert (FOLDER / name / f"{name}.zip").stat().st_size <= LARGEST
    with warnings.catch_warnings():
        warnings.simplefilter("error", albench.errors.StoreWarning)  # damaged cells are told of so
        reference = find(name)
        done = list(reference.done.values())
    assert done, "a reference holds finished cells"
    study = read_study(Request(file=FOLDER / name / "study.toml"))
    rounds = {setting.label: study.rounds for setting in study.settings}
    assert {one.cell["setting"] for one in done} <= set(rounds)
    assert {choice.label for choice in study.strategies} & {one.cell["strategy"] for one in done}
    for one in done:
        wanted = 1 if one.cell["strategy"] == "all-labels" else rounds[one.cell["setting"]]
        assert wanted is None or len(one.snapshot.rows) > wanted
        assert one.made["git"]["dirty"] is False, "it is of a clean checkout"
    processors = {seed: {processor_of(one.made) for one in done if one.cell["seed"] == seed} for seed in study.seeds}
    assert all(len(found) <= 1 for found in processors.values()), "a seed is of one kind of processor"
    joined([reference.store, reference.store])
    copy = albench.merge([reference.path, reference.path], tmp_path / "copy.zip")
    order = ["setting", "strategy", "seed", "round"]
    ours, theirs = (albench.load(path).sort_values(order).astype(str) for path in (copy, reference.path))
    assert ours.values.tolist() == theirs.values.tolist()
