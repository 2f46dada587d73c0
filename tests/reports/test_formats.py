from __future__ import annotations

import csv
import json
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest

from albench.analysis.leaderboard import leaderboard
from albench.reading import write_report
from albench.store.results import load
from tests.conftest import Cli
from tests.reports.synthetic import Synthetic

HOSTILE = "emoc[note=a|b_c & <b>50%</b> \\x #1 $y^2~ {z}]"


def written(study: Synthetic, folder: Path, name: str) -> str:
    path = write_report(study.write(folder / "store"), folder / "out", name)
    assert path is not None
    return path.read_text(encoding="utf-8")


def test_csv_holds_the_leaderboards_numbers_unrounded(tmp_path: Path) -> None:
    rows = list(csv.DictReader(StringIO(written(Synthetic(), tmp_path, "csv"))))
    board = leaderboard(load(tmp_path / "store"), "random")
    assert [row["strategy"] for row in rows] == list(board["strategy"])
    assert [float(row["accuracy_area"]) for row in rows] == list(board["accuracy_area"])
    assert {row["reference"] for row in rows} == {"random"}


def test_json_is_readable_by_a_program_and_missing_numbers_are_null(tmp_path: Path) -> None:
    study = Synthetic(missing={("emoc", 0): "ValueError: boom"})
    value = json.loads(written(study, tmp_path, "json"), parse_constant=lambda name: pytest.fail(name))
    assert value["cells"] == {"done": 8, "failed": 1}
    by_name = {row["strategy"]: row for row in value["leaderboard"]}
    assert by_name["random"]["accuracy_difference"] is None
    assert by_name["emoc"]["n_pairs"] == 2


def test_markdown_is_one_table_a_scenario_whatever_the_names(tmp_path: Path) -> None:
    study = Synthetic(effects={"random": 0.0, HOSTILE: 0.02}, scenarios=("digits", "a|b"))
    text = written(study, tmp_path, "md")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 * 4
    assert {line.replace(r"\|", "").count("|") for line in lines} == {8}
    assert "<b>" not in text
    assert r"## a\|b" in text


def test_latex_is_a_booktabs_table_with_every_special_character_escaped(tmp_path: Path) -> None:
    text = written(Synthetic(effects={"random": 0.0, HOSTILE: -0.02}), tmp_path, "latex")
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    row = next(line for line in text.splitlines() if line.startswith("emoc"))
    assert r"a|b\_c \& <b>50\%</b> \textbackslash{}x \#1 \$y\textasciicircum{}2\textasciitilde{} \{z\}" in row
    assert row.count(" & ") == 6
    assert "$-$" in row


def test_latex_compiles(tmp_path: Path) -> None:
    engine = shutil.which("tectonic") or shutil.which("pdflatex")
    if engine is None:
        pytest.skip("no LaTeX is installed")
    table = written(Synthetic(effects={"random": 0.0, HOSTILE: 0.02}), tmp_path, "latex")
    source = tmp_path / "paper.tex"
    preamble = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
    source.write_text(f"{preamble}{table}\\end{{document}}\n", encoding="utf-8")
    done = subprocess.run([engine, source.name], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_dash_as_output_writes_to_the_terminal(tmp_path: Path, cli: Cli) -> None:
    done = cli("report", Synthetic().write(tmp_path / "store"), "--format", "csv", "-o", "-")
    assert done.code == 0
    assert done.out.startswith("scenario,protocol,learner,network,setting,strategy,")


def test_another_reference_can_be_asked_for(tmp_path: Path, cli: Cli) -> None:
    store = Synthetic().write(tmp_path / "store")
    done = cli("report", store, "--format", "json", "--reference", "min", "-o", "-")
    value = json.loads(done.out)
    assert value["reference"] == "min"
    assert {row["strategy"]: row["n_pairs"] for row in value["leaderboard"]} == {"emoc": 3, "min": None, "random": 3}


def test_an_unknown_format_gets_a_suggestion(tmp_path: Path, cli: Cli) -> None:
    done = cli("report", Synthetic().write(tmp_path / "store"), "--format", "cvs")
    assert done.code == 2
    assert "did you mean 'csv'" in done.err


@pytest.mark.parametrize("name", ["md", "csv", "json", "latex"])
def test_a_store_with_nothing_finished_is_written_too(tmp_path: Path, name: str) -> None:
    study = Synthetic(effects={"random": 0.0}, seeds=[0], missing={("random", 0): ""})
    assert written(study, tmp_path, name)
