"""What other people wrote never acts on a terminal, and a reader that leaves ends no work."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import albench
from albench.cli.output import Format, show_rows
from albench.cli.terminal import Terminal
from albench.errors import printable
from albench.store.source import STUDY
from tests.conftest import Cli, PluginFolder, edit_json, small_options, small_run

HOSTILE = "mine\x1b[2J\u202egpj\u2066\x9b31m\x07\r\nnew"
TEXTS = st.text(st.characters(codec=None, categories=("Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Lu", "Nd")))


def acts(text: str) -> set[str]:
    """Return the characters of a text that act, line breaks aside."""
    return {char for char in text if not char.isprintable() and char != "\n"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_nothing_that_is_printed_acts(text: str) -> None:
    written = io.StringIO()
    Terminal(written).write(text)
    assert acts(written.getvalue().replace("\t", "")) == set()
    assert printable(text).isprintable()
    assert "\n" not in printable(text)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(categories=("Cc", "Cf", "Co", "Zl", "Zp", "Lu"))))
def test_a_table_has_a_line_for_each_row_and_json_gives_the_text_back(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"name": text}, {"name": "next"}]
    capsys.readouterr()
    show_rows(rows, Format.table, ["name"])
    table = capsys.readouterr().out
    assert (table.count("\n"), acts(table)) == (3, set())
    show_rows(rows, Format.json, ["name"])
    printed = capsys.readouterr().out
    assert (json.loads(printed), acts(printed)) == (rows, set())


def test_a_store_of_hostile_names_is_shown_in_words(tmp_path: Path, cli: Cli) -> None:
    small_run(tmp_path / "s", "random")

    def rename(study: dict[str, object]) -> None:
        study["strategies"] = {HOSTILE: study["strategies"]["random"]}  # type: ignore[index]
        for cell in study["cells"]:  # type: ignore[attr-defined]
            cell["strategy"] = HOSTILE

    edit_json(tmp_path / "s" / STUDY, rename)
    shown = cli("status", tmp_path / "s")
    assert (shown.code, acts(shown.out + shown.err)) == (0, set())
    assert "mine\\x1b[2J\\u202egpj" in shown.out
    assert len(shown.out.splitlines()) == 3, "a name is no line of its own"


def test_what_a_plugin_says_as_it_fails_does_not_act(tmp_path: Path, cli: Cli, plugins: PluginFolder) -> None:
    plugins.install_strategy("loud", f"def score(self, query):\n    raise ValueError({HOSTILE!r})")
    ran = cli("run", "--strategies", "loud", "--seeds", 1, "--jobs", 1, "--store", tmp_path / "s", *small_options())
    assert ran.code == 1
    assert acts(ran.out + ran.err) == set()
    assert "\\u202egpj\\u2066\\x9b31m" in ran.err
    listed = cli("status", tmp_path / "s")
    assert acts(listed.out + listed.err) == set()


def test_the_traceback_of_an_error_does_not_act(tmp_path: Path) -> None:
    words = ["--debug", "status", str(tmp_path / "no\x1b[2Jstore")]
    ran = subprocess.run([sys.executable, "-m", "albench", *words], capture_output=True, text=True)
    assert (ran.returncode, acts(ran.stderr)) == (1, set())
    assert "Traceback" in ran.stderr


def test_a_run_whose_reader_leaves_is_finished(tmp_path: Path) -> None:
    options = ["--strategies", "random,min", "--seeds", "2", "--jobs", "1", *small_options()]
    command = [sys.executable, "-m", "albench", "run", *options, "--store", str(tmp_path / "s")]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert "4 of 4 cells to run" in run.stdout.readline()
    run.stdout.close()
    assert run.stderr is not None
    assert (run.wait(), run.stderr.read()) == (0, "")
    assert (tmp_path / "s" / "report.html").exists()
    assert albench.load(tmp_path / "s").groupby(["strategy", "seed"]).ngroups == 4
    head = subprocess.run(
        ["bash", "-c", '"$0" -m albench status "$1" | head -1; echo ${PIPESTATUS[0]}', sys.executable, tmp_path / "s"],
        capture_output=True,
        text=True,
    )
    assert (head.stderr, head.stdout.splitlines()[-1]) == ("", "0")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_run_whose_output_has_no_room_is_finished_and_says_so_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "albench", "run", "--strategies", "random", "--seeds", "1", "--jobs", "1"]
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [*command, *small_options(), "--store", str(tmp_path / "s")], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert run.returncode == 0
    assert run.stderr.splitlines() == [
        "error: the output cannot be written (No space left on device); send it elsewhere"
    ]
    assert len(albench.load(tmp_path / "s")) == 3
