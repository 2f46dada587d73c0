"""Stores on the command line: what cannot be one, what cannot be written, and code that comes and goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import albench
from albench.store.leases import leased
from tests.conftest import Cli, small_options, small_run
from tests.reports.synthetic import Synthetic

SOURCE = (
    "import albench\nclass Mine(albench.Strategy):\n    def score(self, query):\n        return {}query.logits[:, 0]\n"
)


def run_words(*strategies: object, store: Path) -> list[object]:
    return ["run", "--strategies", ",".join(map(str, strategies)), "--seeds", 2, *small_options(), "--store", store]


def test_cells_by_other_code_are_told_of_in_a_line_and_found_again(tmp_path: Path, cli: Cli) -> None:
    path, store = tmp_path / "mine.py", tmp_path / "s"
    words = run_words(f"{path}:Mine", "random", store=store)
    path.write_text(SOURCE.format(""))
    first = cli(*words)
    assert "4 of 4 cells to run" in first.out
    assert "kept" not in first.out
    path.write_text("# a comment\n" + SOURCE.format(""))
    assert "0 of 4 cells to run" in cli(*words).out
    path.write_text(SOURCE.format("-"))
    line = "2 cells by other code are kept and not counted (Mine); when that code comes back, so do its results\n"
    assert line in cli(*words, "--dry-run").out
    edited = cli(*words)
    assert "2 of 4 cells to run" in edited.out
    assert "Mine / seed 0: round 0:" in edited.out, "from the beginning"
    assert line in edited.out
    assert line in cli("status", store).out
    assert json.loads(cli("status", store, "--format", "json").out)[0]["strategy"] == "random"
    path.write_text(SOURCE.format(""))
    again = cli(*words)
    assert "0 of 4 cells to run" in again.out
    assert line in again.out, "now the edited code's"
    assert len(list(store.glob("cells/digits/Mine/*"))) == 4


DIES = """
import os, sys
from pathlib import Path
from albench.store.leases import leased
with leased(Path(sys.argv[1]), "x"):
    os._exit(0)
"""


def test_the_next_run_removes_what_the_dead_left_in_finished_cells_and_nothing_of_the_living(
    tmp_path: Path, cli: Cli
) -> None:
    words = run_words("random", store=tmp_path / "s")
    assert cli(*words).code == 0
    dead, held = sorted((tmp_path / "s").glob("cells/digits/random/*"))
    before = {path: path.read_bytes() for path in tmp_path.glob("s/cells/*/*/*/*")}
    subprocess.run([sys.executable, "-c", DIES, dead / "claim"], check=True)
    for folder in (dead, held):
        (folder / ".rounds.jsonl.0123.part").touch()
        asked = folder / f".claim.{'ab' * 16}.new"
        asked.touch()
        os.utime(asked, (0, 0))
    with leased(held / "claim", "the test"):
        assert "0 of 2 cells to run" in cli(*words).out
        assert {path.name for path in held.iterdir()} >= {"claim", ".rounds.jsonl.0123.part"}
    assert {path: path.read_bytes() for path in dead.iterdir()} == {
        path: data for path, data in before.items() if path.parent == dead
    }


@pytest.mark.parametrize("command", ["status", "report", "export", "merge"])
def test_what_is_no_store_is_refused_in_a_sentence(command: str, tmp_path: Path, cli: Cli) -> None:
    more = {"export": ["-o", tmp_path / "x.zip"], "merge": ["-o", tmp_path / "x"]}.get(command, [])
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    expected = {
        "file": "is no store: it is a file",
        "empty": "is no store: there is no study.json",
        "no": "there is no ",
    }
    for name, message in {**expected, "x" * 300: "there is no"}.items():
        ran = cli(command, tmp_path / name, *more)
        assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
        assert message in ran.err


def test_a_store_of_schema_1_is_refused_by_every_command(tmp_path: Path, cli: Cli) -> None:
    store = tmp_path / "s"
    store.mkdir()
    (store / "study.json").write_text(json.dumps({"schema": 1, "name": "quickstart", "cells": []}, indent=1))
    commands = [["status", store], ["report", store], ["merge", store, "-o", tmp_path / "m"], run_words("random", store=store)]  # fmt: skip
    for words in commands:
        ran = cli(*words)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert "has schema 1 and this version of albench reads 2; use the version that wrote it" in ran.err


def test_a_study_that_is_a_folder_stops_nothing(tmp_path: Path, cli: Cli) -> None:
    store = tmp_path / "s"
    small_run(store, "random")
    (store / "study.json").unlink()
    (store / "study.json").mkdir()
    assert "1 of 1 cells done" in cli("status", store).out
    ran = cli(*run_words("random", store=store))
    assert (ran.code, ran.err.splitlines()[-1][:7]) == (2, "error: ")
    assert "Traceback" not in ran.err


def test_an_odd_claim_is_a_sentence_in_status_and_run(tmp_path: Path, cli: Cli) -> None:
    store = tmp_path / "s"
    small_run(store, "random", seeds=2, rounds=1)
    small_run(store, "random", seeds=[1], rounds=2)
    claim = next(store.glob("cells/digits/random/seed-0-*")) / "claim"
    claim.write_text('{"host": 3, "pid": "x", "more": []}')
    shown = cli("status", store)
    assert shown.code == 0
    assert f"held by an unknown process (if it is gone, delete {claim})" in shown.out
    ran = cli(*run_words("random", store=store))
    assert ran.code == 1
    assert "running: digits / random / seed 0: held by an unknown process" in ran.err
    assert "Traceback" not in ran.err
    assert "1 of 2 cells done; 1 running" in ran.out


def test_output_that_nothing_takes_is_one_sentence(tmp_path: Path) -> None:
    Synthetic().write(tmp_path)
    for words in (["status", str(tmp_path)], ["list"], ["report", str(tmp_path), "--format", "md", "-o", "-"]):
        with Path("/dev/full").open("w") as full:
            command = [sys.executable, "-m", "albench", *words]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr == "error: the output cannot be written (No space left on device); send it elsewhere\n"


READS = """
import collections, sys
from albench.cli.main import main
opened = collections.Counter()
sys.addaudithook(lambda event, words: event == "open" and str(words[0]).startswith(sys.argv[2]) and opened.update([words[0]]))
try:
    main()
finally:
    names = {str(path): count for path, count in opened.items() if str(path).endswith((".json", ".jsonl"))}
    print(len(names), max(names.values()))
"""


def test_a_report_reads_each_file_once(tmp_path: Path) -> None:
    store = Synthetic().write(tmp_path / "s")
    command = [sys.executable, "-c", READS, "report", str(store), "-o", str(tmp_path / "r.html")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == [str(1 + 9 * 3), "1"]


def test_a_cell_that_lost_its_lease_stops_with_a_sentence_and_writes_nothing_more(tmp_path: Path, cli: Cli) -> None:
    """The strategy stands for whatever suspends a run: when it is asked, the lease has passed to another."""
    path, store = tmp_path / "slow.py", tmp_path / "s"
    path.write_text(
        "import albench, json, pathlib\nclass Slow(albench.Strategy):\n    def score(self, query):\n"
        f"        claim = next(pathlib.Path({str(store)!r}).glob('cells/digits/Slow/*/claim'))\n"
        "        if query.round == 2:\n"
        "            claim.write_text(json.dumps({**json.loads(claim.read_text()), 'token': 'other', 'host': 'there'}))\n"
        "        return query.logits[:, 0]\n"
    )
    ran = cli("run", "--strategies", f"{path}:Slow", "--seeds", 1, *small_options(rounds=3), "--store", store)
    assert ran.code == 1
    assert "Slow / seed 0: held: digits / " in ran.out
    assert "is held by this run no more: process " in ran.out
    assert "on there has it now; it stopped and writes nothing more" in ran.out
    frame = albench.load(store, unfinished=True)
    assert frame["round"].tolist() == [0, 1]
    claim = next(store.glob("cells/digits/Slow/*/claim"))
    assert json.loads(claim.read_text())["token"] == "other", "it is not its to remove"
    claim.unlink()
    assert cli("status", store).out.count("missing") == 2, "nothing was recorded as a failure"
