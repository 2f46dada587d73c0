from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from albench.analysis.leaderboard import leaderboard
from albench.reading import write_report
from albench.store.results import load
from tests.conftest import Cli
from tests.reports.synthetic import EFFECTS, Synthetic

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
    assert {line.replace(r"\|", "").count("|") for line in lines} == {10}
    assert "<b>" not in text
    assert r"## a\|b" in text


def test_latex_is_a_booktabs_table_with_every_special_character_escaped(tmp_path: Path) -> None:
    text = written(Synthetic(effects={"random": 0.0, HOSTILE: -0.02}), tmp_path, "latex")
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1
    row = next(line for line in text.splitlines() if line.startswith("emoc"))
    assert r"a|b\_c \& <b>50\%</b> \textbackslash{}x \#1 \$y\textasciicircum{}2\textasciitilde{} \{z\}" in row
    assert row.count(" & ") == 8
    assert re.search(r" & -\d\.\d\d & \\num\{-\d\.\d\d\} to \\num\{[+-]\d\.\d\d\} & ", row)


def test_latex_has_the_means_of_the_rows_in_columns_of_siunitx_that_have_room_for_them(tmp_path: Path) -> None:
    text = written(Synthetic(seeds=range(11), effects={**EFFECTS, "max": -0.35}), tmp_path, "latex")
    rounds = load(tmp_path / "store")
    cells = rounds.groupby(["strategy", "seed"])["accuracy"]
    area, final = cells.apply(np.trapezoid).unstack() / 6, cells.last().unstack()
    for name in area.index:
        row = next(line for line in text.splitlines() if line.replace(r"\bfseries ", "").startswith(f"{name} &"))
        cells = row.replace(r"\bfseries ", "").rstrip("\\ ").split(" & ")[1:]
        accuracy, group, ranks, difference, interval, last, _, seeds = cells
        assert re.fullmatch("[a-d]+", group)
        assert re.fullmatch(r"\d( to \d)?", ranks)
        assert (accuracy, last, seeds) == (
            f"{100 * area.loc[name].mean():.1f}",
            f"{100 * final.loc[name].mean():.1f}",
            "11",
        )
        apart = 100 * (area.loc[name] - area.loc["random"])
        assert difference == ("" if name == "random" else f"{apart.mean():+.2f}")
        low = apart.mean() - student.ppf(1 - 0.05 / 2 / 3, 10) * apart.std() / 11**0.5
        assert interval.startswith("" if name == "random" else f"\\num{{{low:+.2f}}} to ")
    assert (
        r"{lS[table-format=2.1]ccS[table-format=+2.2]cS[table-format=2.1]S[table-format=1.1]S[table-format=2]}" in text
    )


def test_latex_sets_in_bold_what_no_other_is_told_to_be_better_than_and_says_so(tmp_path: Path) -> None:
    effects = {"emoc": 0.1, "min": 0.0995, "random": 0.0}
    lines = written(Synthetic(effects=effects, seeds=range(9)), tmp_path, "latex").splitlines()
    bold = [line for line in lines if "bfseries" in line]
    assert sorted(line.split(" & ")[0] for line in bold) == [r"\bfseries emoc", r"\bfseries min"]
    for row in bold:
        assert [cell.startswith(r"\bfseries") for cell in row.split(" & ")] == [True, True, *[False] * 7]
    assert any("S[table-format=2.1]ccS[table-format=+2.2]c" in line for line in lines) or any(
        "S[table-format=2.1]ccS[table-format=+1.2]c" in line for line in lines
    ), "a sign takes no digit's room"
    assert any(line.startswith(r"\caption{") and "Bold: no other is told to be better." in line for line in lines)


def test_every_format_has_groups_and_ranks_and_keeps_what_failed_with_its_reason(tmp_path: Path) -> None:
    failed = {("min", seed): "ValueError: it broke" for seed in range(5)}
    study = Synthetic(effects={"emoc": 0.1, "min": 0.0, "random": 0.0}, seeds=range(5), missing=failed)
    board = {row["strategy"]: row for row in json.loads(written(study, tmp_path / "json", "json"))["leaderboard"]}
    assert [board["emoc"][name] for name in ("rank_low", "rank_high", "group", "verdict")] == [1, 1, "a", "leads"]
    assert board["min"]["reason"] == "failed: ValueError: it broke"
    assert board["min"]["rank_low"] is None
    table = pd.read_csv(StringIO(written(study, tmp_path / "csv", "csv"))).set_index("strategy")
    assert table.loc["random", ["rank_low", "rank_high", "group"]].tolist() == [2, 2, "b"]
    assert table.loc["min", "reason"] == "failed: ValueError: it broke"
    markdown = written(study, tmp_path / "md", "md")
    assert re.search(r"^\| emoc \| [\d.]+ \| a \| 1 \|", markdown, re.MULTILINE)
    assert "min: failed: ValueError: it broke." in markdown
    assert "min: failed: ValueError: it broke." in written(study, tmp_path / "tex", "latex")


def test_latex_labels_each_settings_table_by_a_name_of_its_own(tmp_path: Path) -> None:
    text = written(Synthetic(scenarios=("a_b", "a%b")), tmp_path, "latex")
    assert re.findall(r"\\label\{(.*)\}", text) == ["tab:a-b", "tab:a-b-2"]
    assert r"synthetic, a\%b. Mean accuracy" in text


@pytest.mark.parametrize("study", [Synthetic(effects={"random": 0.0, HOSTILE: -0.02}), Synthetic(seeds=[0])])
def test_latex_compiles(tmp_path: Path, study: Synthetic) -> None:
    table = written(study, tmp_path, "latex")
    plain = re.sub(r"\\[%&#$_{}]", "", table)
    assert plain.count("{") == plain.count("}")
    assert plain.count(r"\begin") == plain.count(r"\end") == 2
    engine = shutil.which("tectonic") or shutil.which("pdflatex")
    if engine is None:
        pytest.skip("no LaTeX is installed")
    source = tmp_path / "paper.tex"
    preamble = "\\documentclass{article}\\usepackage{booktabs,siunitx}\\begin{document}\n"
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
