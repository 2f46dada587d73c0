"""The page for programs is true: every block runs as it stands, and what it promises of outputs holds."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from pathlib import Path

import pytest

from tests.conftest import Cli

TEXT = (Path(__file__).parents[2] / "docs" / "for-agents.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(?P<language>python|console)\n(?P<body>(?:# (?P<file>\w+\.py)\n)?.*?)```", re.DOTALL)


def test_the_page_runs_block_by_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cli: Cli
) -> None:
    monkeypatch.chdir(tmp_path)
    printed: dict[str, str] = {}
    for block in BLOCK.finditer(TEXT):
        if block["language"] == "python":
            Path(block["file"]).write_text(block["body"], encoding="utf-8")
            continue
        for line in block["body"].splitlines():
            program, *words = shlex.split(line)
            if program == "python":
                runpy.run_path(words[0])
                printed[words[0]] = capsys.readouterr().out
                continue
            assert program == "albench"
            done = cli(*words)
            assert done.code == 0, done.err
            printed[" ".join(words[:2])] = done.out
    assert {json.loads(printed[name])[0]["kind"] for name in ("list strategies", "show badge")} == {"strategies"}
    assert json.loads(printed["doctor --format"])
    findings = json.loads(printed["check ./mine.py:Mine"])
    assert {one["outcome"] for one in findings} <= {"holds", "expected", "skipped"}
    states = [(one["strategy"], one["status"]) for one in json.loads(printed["status runs/try"])]
    assert states == [("Mine", "done"), ("Mine", "done"), ("random", "done"), ("random", "done")]
    assert "2 of 4 cells to run" in printed["run --strategies"], "the reference holds those of random"
    board = json.loads((tmp_path / "leaderboard.json").read_text())["leaderboard"]
    assert {one["strategy"] for one in board} == {"Mine", "Mine[temperature=2]", "random"}
    promised = set(re.findall(r"`(\w+)`", TEXT.partition("## 5.")[2].partition("From Python")[0])) & set(board[0])
    assert promised == {
        "accuracy_area", "accuracy_difference", "verdict", "claimable", "group", "rank_low", "rank_high", "n_seeds"
    }  # fmt: skip
    assert (tmp_path / "rounds.csv").read_text().startswith("setting,")
    assert "Mine[temperature=2]" in printed["read.py"]


def test_a_wrong_request_exits_2_with_one_sentence(cli: Cli) -> None:
    refused = cli("run", "--strategies", "badg", "--dry-run")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
