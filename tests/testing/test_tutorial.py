"""The tutorial is true: it runs block by block, as it stands, where there is nothing but albench."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fresh import ROOT, FreshEnvironment, make_fresh_environment

TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(?P<language>\w+)\n(?P<body>.*?)```", re.DOTALL)


def follow(fresh: FreshEnvironment) -> dict[str, str]:
    """Do what the tutorial says, in its order; return what each command printed."""
    printed = {}
    for block in BLOCK.finditer(TEXT):
        if block["language"] == "python":  # the file that was named last
            path = re.findall(r"`(\S+\.py)`", TEXT[: block.start()])[-1]
            assert (fresh.here / path).is_file(), path
            (fresh.here / path).write_text(block["body"], encoding="utf-8")
        elif block["language"] == "console":
            for command in block["body"].splitlines():
                printed[command] = fresh.call(command)
    return printed


@pytest.mark.slow
def test_the_tutorial_runs_block_by_block_and_its_first_table_is_of_trained_networks(tmp_path: Path) -> None:
    fresh = make_fresh_environment(tmp_path / "environment", tmp_path)
    fresh.link(["pytest"])
    fresh.command("pytest")
    printed = list(follow(fresh).values())
    wrote, installed, checked, tested, first, status, last = printed
    assert "wrote albench-mine; next:" in wrote
    assert "Successfully installed albench-mine" in installed
    assert "0 expected, 0 skipped, 0 broken" in checked
    assert re.search(r"=+ \d+ passed in ", tested), tested
    starts = [float(number) for number in re.findall(r"round 0: accuracy (\S+),", first)]
    assert len(starts) == 12
    assert min(starts) > 0.35, "half of the classes are known: 0.5 is the most"
    for strategy in ("mine", "mine[power=3]", "min"):
        assert re.search(rf"^digits +{re.escape(strategy)} +3 +\d\d\.\d ", first, re.MULTILINE), first
    assert status.count("done") >= 12
    assert "12 of 12 cells done" in last
    assert {int(number) for number in re.findall(r"round (\d+): accuracy", last)} == {5, 6}
