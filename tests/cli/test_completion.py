"""The shell completes names of components, through the real entry of the command line, and imports nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import atexit, sys
sys.argv = ["albench"]
def look():
    heavy = {"torch", "pandas", "plotly", "scipy", "sklearn", "numpy"} & set(sys.modules)
    print("heavy:", sorted(heavy), file=sys.stderr)
atexit.register(look)
from albench.cli.main import main
main()
"""


def completed(line: str) -> list[str]:
    """Return what bash offers for the last word of a line."""
    words = line.split(" ")
    values = {"_ALBENCH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, env={**os.environ, **values}, capture_output=True, text=True, check=False)
    assert "heavy: []" in done.stderr, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("albench run --strategies em", ["emoc"]),
        ("albench run --strategies emoc,gp", ["emoc,gp-emoc"]),
        ("albench run --strategies emoc[output=softmax],gp", ["emoc[output=softmax],gp-emoc"]),
        ("albench run --strategies emoc,random,emo", []),
        ("albench run --strategies emoc[output=softmax,ra", []),
        ("albench run --scenarios cif", ["cifar10", "cifar100"]),
        ("albench run --protocol discovery,", ["discovery,top-k"]),
        ("albench run --learner re", ["retrain"]),
        ("albench run --network cifar10-q", ["cifar10-quick"]),
        ("albench run --executor lo", ["local"]),
        ("albench run --preset qu", ["quickstart"]),
        ("albench show pap", ["paper"]),
        ("albench show bad", ["badge"]),
        ("albench run --preset open", ["open-set"]),
        ("albench features --scenario dig", ["digits"]),
        ("albench features --network torchv", ["torchvision"]),
        ("albench list sce", ["scenarios"]),
        ("albench bench --strategies ran", ["random"]),
        ("albench check albench_str", ["albench_strategies"]),
        ("albench report --format ht", ["html"]),
    ],
)
def test_the_shell_completes_names(line: str, offered: list[str]) -> None:
    assert completed(line) == offered


def test_an_empty_word_offers_every_strategy_that_is_installed() -> None:
    from albench.plugins.host import host

    assert completed("albench run --strategies ") == host().names("strategies")
