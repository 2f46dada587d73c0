from __future__ import annotations

import json
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import albench
from albench.api import plan
from albench.errors import RequestError, StoreError
from albench.store.files import remove_leftovers, replacing
from albench.store.leases import leased
from albench.store.rows import COST, LISTS, NAMES, QUERY, STATE
from albench.store.snapshot import Snapshot
from albench.store.source import Folder
from albench.store.store import Store
from albench.study.study import Request
from tests.conftest import SMALL, edit_json, small_run
from tests.reports.synthetic import Synthetic


def test_a_leftover_that_its_owner_takes_away_meanwhile_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".stays.dead").touch()
    found = [tmp_path / ".gone.dead", tmp_path / ".stays.dead"]
    monkeypatch.setattr(Path, "glob", lambda *_: iter(found))  # as listed before the other was taken away
    remove_leftovers(tmp_path)
    assert not found[1].exists()


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_nothing_is_is_said_to_be_none(tmp_path: Path) -> None:
    where = tmp_path / "nowhere"
    with pytest.raises(StoreError, match=rf"^there is no {where}; give the folder that 'albench run' wrote, or"):
        albench.load(where)


def test_a_folder_without_a_study_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"is no store: there is no study\.json in it"):
        Store(tmp_path).study  # noqa: B018


STORES = {  # what lies in a folder, and the file that a refusal names
    "nothing": ([], None),
    "folders alone": (["notes/", "other/"], None),
    "hidden files and a report": ([".DS_Store", "report.html"], None),
    "files of others": (["z.txt", "a.txt", ".hidden", "notes/"], "a.txt"),
    "a store": (["study.json", "a.txt"], None),
    "cells of a lost study": (["cells/", "a.txt"], None),
    "a study that is being written": (["study.claim", "a.txt"], None),
}


@pytest.mark.parametrize("case", STORES)
def test_a_folder_of_other_files_becomes_no_store_and_every_other_folder_may(case: str, tmp_path: Path) -> None:
    names, held = STORES[case]
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    if held is None:
        Store(tmp_path).check_folder()
        return
    with pytest.raises(RequestError, match=f"is no store, and holds '{held}'; give a new folder, or an empty one"):
        Store(tmp_path).check_folder()


def test_a_store_of_another_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text(json.dumps({"schema": 1, "cells": []}))
    with pytest.raises(
        StoreError, match="has schema 1 and this version of albench reads 2; use the version that wrote it"
    ):
        albench.load(tmp_path)


def test_a_store_holds_several_settings_each_with_the_rounds_that_were_asked_of_it(tmp_path: Path) -> None:
    small_run(tmp_path)
    small_run(tmp_path, n_sets=7, rounds=1)
    cells = {cell["protocol"]: cell for cell in Store(tmp_path).cells()}
    assert {label: cell["rounds"] for label, cell in cells.items()} == {
        "discovery[n_sets=6,set_size=5]": 2,
        "discovery[n_sets=7,set_size=5]": 1,
    }
    assert [status.status for status in Store(tmp_path).statuses()] == ["done", "done"]
    assert albench.load(tmp_path).groupby("setting")["round"].max().tolist() == [2, 1]


def test_two_runs_that_ask_a_store_for_cells_at_once_wait_for_each_other(tmp_path: Path) -> None:
    small_run(tmp_path)
    asked = threading.Thread(target=small_run, args=(tmp_path,), kwargs={"rounds": 1, "n_sets": 7})
    with leased(tmp_path / "study.claim", "the study"):
        asked.start()
        time.sleep(0.5)
    asked.join()
    assert [status.status for status in Store(tmp_path).statuses()] == ["done", "done"]


def test_the_checksum_of_a_store_is_that_of_its_results_however_much_was_read(tmp_path: Path) -> None:
    """As the documented line of a shell computes it."""
    small_run(tmp_path / "s", "random,min")
    results = [
        path for path in (tmp_path / "s").rglob("*.json*") if path.parent == tmp_path / "s" or "seed-" in str(path)
    ]
    lines = [
        f"{sha256(path.read_bytes()).hexdigest()}  {path.relative_to(tmp_path / 's').as_posix()}\n" for path in results
    ]
    expected = sha256("".join(sorted(lines, key=lambda line: line[66:])).encode()).hexdigest()
    assert len(lines) == 7
    some = Folder(tmp_path / "s")
    some.read("study.json")
    assert {Folder(tmp_path / "s").checksum(), some.checksum()} == {expected}


def test_a_cell_that_has_not_begun_is_missing_with_no_rounds() -> None:
    assert Snapshot().status(2) == ("missing", "not started", 0)


def test_a_plan_reads_the_cells_that_are_there_and_counts_the_others_as_not_started(tmp_path: Path) -> None:
    small_run(tmp_path / "store", strategies="random", seeds=1)
    request = Request(strategies="random,min", seeds=2, values=SMALL)
    planned = plan(request, tmp_path / "store")
    found = [(status.strategy, status.seed, status.status, status.rounds) for status in planned.statuses]
    assert found == [
        ("random", 0, "done", 2),
        ("random", 1, "missing", 0),
        ("min", 0, "missing", 0),
        ("min", 1, "missing", 0),
    ]


def test_provenance_names_versions_hardware_and_command(tmp_path: Path) -> None:
    small_run(tmp_path)
    found = Store(tmp_path).snapshots()[0][1].record["provenance"]
    assert found["command"] == ["albench", "run"]
    assert found["threads"] == 1
    assert found["device"] == "cpu"
    assert found["cpu"]
    assert {"albench", "torch", "numpy"} <= set(found["versions"])


def test_more_rounds_of_one_strategy_are_more_rounds_of_its_setting(tmp_path: Path) -> None:
    small_run(tmp_path, "random,min", rounds=1)
    small_run(tmp_path, "random", rounds=2)
    statuses = {status.strategy: status.status for status in Store(tmp_path).statuses()}
    assert statuses == {"random": "done", "min": "missing"}, "strategies are compared over one budget"


def test_cells_by_other_code_of_a_label_are_asked_for_no_more_and_their_folders_stay(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    source = "import albench\nclass Mine(albench.Strategy):\n    def score(self, query):\n        return {}query.logits[:, 0]\n"
    path.write_text(source.format(""), encoding="utf-8")
    small_run(tmp_path / "s", f"{path}:Mine,random", seeds=2)
    path.write_text(source.format("-"), encoding="utf-8")
    small_run(tmp_path / "s", f"{path}:Mine", seeds=[0])
    cells = [(cell["strategy"], cell["seed"]) for cell in Store(tmp_path / "s").cells()]
    assert cells == [("random", 0), ("random", 1), ("Mine", 0)]
    assert len(list((tmp_path / "s").glob("cells/digits/Mine/*"))) == 3
    path.write_text(source.format(""), encoding="utf-8")
    again = small_run(tmp_path / "s", f"{path}:Mine", seeds=2)
    assert [status.status for status in again.statuses] == ["done", "done"], "found again when the code comes back"
    assert len(list((tmp_path / "s").glob("cells/digits/Mine/*"))) == 3


@pytest.mark.parametrize("where", ["name", "source"])
def test_a_report_runs_no_code_that_a_store_names(where: str, tmp_path: Path) -> None:
    small_run(tmp_path / "s")
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n", encoding="utf-8")

    def poison(study: dict[str, Any]) -> None:
        for setting in study["settings"].values():
            for part in ("scenario", "protocol", "learner", "network"):
                setting[part][where] = f"{evil}:Evil" if where == "name" else str(evil)
        for strategy in study["strategies"].values():
            strategy[where] = f"{evil}:Evil" if where == "name" else str(evil)

    edit_json(tmp_path / "s" / "study.json", poison)
    albench.load(tmp_path / "s")
    page = albench.report(tmp_path / "s", tmp_path / "page.html")
    assert "a report runs no code that results name" in page.read_text(encoding="utf-8")
    assert not (tmp_path / "ran").exists()


def test_a_frame_has_a_protocols_columns_after_those_of_every_query_and_before_the_cost(tmp_path: Path) -> None:
    frame = albench.load(Synthetic(protocols=("discovery", "top-k"), seeds=[0]).write(tmp_path / "s"))
    before, after = ([column.name for column in part] for part in ((*NAMES, *STATE, *QUERY), (*COST, *LISTS)))
    assert list(frame.columns) == [*before, "n_novel_queried", *after]
