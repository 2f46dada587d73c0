"""``albench figures``: files for papers, the same twice, and requests that cannot be met; outputs of ``albench report``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import albench
from tests.conftest import Cli, PluginFolder
from tests.reports.synthetic import Synthetic

ALL = ["curves-digits", "differences-digits", "labels-digits", "ranks-digits"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Synthetic(rounds=4).write(tmp_path_factory.mktemp("figures") / "store")


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_figures_are_the_same_bytes_from_a_folder_and_its_archive_in_every_process(
    store: Path, tmp_path: Path, cli: Cli
) -> None:
    drawn = cli("figures", store, "-o", tmp_path / "first", "--format", "pdf,svg,png")
    assert (drawn.code, drawn.out, drawn.err) == (0, f"{tmp_path / 'first'}\n", "")
    found = written(tmp_path / "first")
    assert list(found) == [f"{name}.{suffix}" for name in ALL for suffix in ("pdf", "png", "svg")]
    archive = albench.export(store, tmp_path / "results.zip")
    words = ["figures", str(archive), "-o", str(tmp_path / "second"), "--format", "png,pdf,svg"]
    others = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "MPLCONFIGDIR": str(tmp_path / "mpl")}
    (tmp_path / "mpl").mkdir()
    (tmp_path / "mpl" / "matplotlibrc").write_text("font.size: 20\npdf.fonttype: 3\naxes.facecolor: yellow\n")
    subprocess.run([sys.executable, "-m", "albench", *words], check=True, env=others, capture_output=True)
    assert written(tmp_path / "second") == found
    for name, data in found.items():
        assert data.startswith({"pdf": b"%PDF-", "png": b"\x89PNG", "svg": b"<?xml"}[name[-3:]])
        assert not re.search(rb"CreationDate|<dc:date>", data)


def test_a_pdf_has_its_fonts_inside_and_the_width_of_its_columns(store: Path, tmp_path: Path) -> None:
    for width, points in (("one", 3.3 * 72), ("two", 6.9 * 72)):
        folder = albench.figures(store, tmp_path / width, width=width, figures=["curves", "ranks"])
        assert folder == tmp_path / width
        for data in written(folder).values():
            assert data.count(b"/FontFile2 ") == data.count(b"/Type /FontDescriptor") > 0, "every font"
            assert b"/Type3" not in data
            assert b"/Subtype /Image" not in data, "lines are lines, no pixels"
            box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) [\d.]+ \]", data)
            assert box is not None
            assert float(box[1]) == pytest.approx(points)


def test_several_stores_are_merged_and_one_reference_and_some_strategies_can_be_chosen(
    tmp_path: Path, cli: Cli
) -> None:
    one = Synthetic(effects={"random": 0.0, "min": 0.01}, rounds=3).write(tmp_path / "one")
    other = Synthetic(effects={"emoc": 0.03, "max": 0.0}, rounds=3).write(tmp_path / "other")
    options = ["--format", "svg", "--figures", "differences,ranks"]
    drawn = cli("figures", one, other, "-o", tmp_path / "f", *options, "--reference", "min", "--strategies", "emoc")
    assert (drawn.code, drawn.err) == (0, "")
    both = written(tmp_path / "f")
    assert list(both) == ["differences-digits.svg", "ranks-digits.svg"]
    said = set(re.findall(rb"<!-- (.*?) -->", both["ranks-digits.svg"]))
    assert {b"emoc", b"min"} <= said, "the chosen one and the reference; texts are outlines with a comment"
    assert not {b"max", b"random"} & said
    albench.figures([one, other], tmp_path / "g", format="svg", figures="ranks", reference="min")
    assert {b"emoc", b"min", b"max", b"random"} <= set(
        re.findall(rb"<!-- (.*?) -->", *written(tmp_path / "g").values())
    )


WRONG = {
    "a format": (["--format", "pdf,eps"], "there is no format of figures 'eps'; choose from pdf, svg, png"),
    "a figure": (["--figures", "curve"], "there is no figure 'curve'; choose from curves, differences, labels, ranks"),
    "a width": (["--width", "three"], "width: input should be 'one' or 'two' (it is 'three')"),
    "a target": (["--target", "60"], "target: input should be less than or equal to 1 (it is '60')"),
    "a strategy": (
        ["--strategies", "emco"],
        "there is no finished cell of the strategy 'emco'; choose from emoc, min, random",
    ),
    "a reference": (
        ["--reference", "emco"],
        "there is no finished cell of 'emco' to compare with; did you mean 'emoc'?",
    ),
    "no format": (["--format", ""], "name a format of figures: pdf, svg, png"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_one_sentence_and_writes_nothing(case: str, store: Path, tmp_path: Path, cli: Cli) -> None:
    options, message = WRONG[case]
    ran = cli("figures", store, "-o", tmp_path / "f", *options)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert message in ran.err
    assert not (tmp_path / "f").exists()


def test_a_store_without_a_finished_cell_has_no_figure(tmp_path: Path, cli: Cli) -> None:
    study = Synthetic(effects={"random": 0.0}, seeds=[0], missing={("random", 0): ""})
    ran = cli("figures", study.write(tmp_path / "s"), "-o", tmp_path / "f")
    assert (ran.code, ran.err) == (2, "error: no cell has finished yet, so there is nothing to draw; run it first\n")
    assert not (tmp_path / "f").exists()


def test_a_figure_that_a_setting_has_not_is_named_and_the_others_are_drawn(tmp_path: Path, cli: Cli) -> None:
    store = Synthetic(effects={"random": 0.0}, rounds=2).write(tmp_path / "s")
    ran = cli("figures", store, "-o", tmp_path / "f", "--format", "svg")
    assert ran.code == 0
    assert list(written(tmp_path / "f")) == ["curves-digits.svg", "labels-digits.svg"]
    assert "warning: digits: there is no figure of differences: nothing is paired with the reference\n" in ran.err
    none = cli("figures", store, "-o", tmp_path / "g", "--figures", "differences")
    assert none.code == 2
    assert none.err.endswith("error: these results have no figure of differences; ask for others with --figures\n")
    assert not (tmp_path / "g").exists()


def test_without_matplotlib_a_sentence_names_what_to_install_and_nothing_else_needs_it(
    store: Path, tmp_path: Path
) -> None:
    main = "import sys; sys.modules['matplotlib'] = None\nfrom albench.cli.main import main\nmain()"
    for words, code in (
        (["figures", str(store), "-o", str(tmp_path / "f")], 2),
        (["report", str(store), "-o", str(tmp_path / "r.html")], 0),
        (["show", "figures"], 0),
    ):
        done = subprocess.run([sys.executable, "-c", main, *words], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        if code:
            assert done.stderr == (
                "error: figures are drawn with matplotlib, which is not installed; install it with "
                "pip install 'albench[figures]'\n"
            )


SUFFIXES = {
    ("html", "x.pdf"): "the format html writes .html files; name one with --output, or draw with albench figures",
    ("html", "x.PNG"): "draw with albench figures",
    ("html", "x.tex"): "ask for --format latex",
    ("md", "x.html"): "the format md writes .md files; name one with --output, or ask for --format html",
    ("csv", "x.json"): "ask for --format json",
    ("json", "x.svg"): "draw with albench figures",
    ("latex", "x.md"): "ask for --format md",
    ("figures", "x.pdf"): "the format figures writes a folder",
}


@pytest.mark.parametrize(("format_name", "output"), SUFFIXES)
def test_an_output_with_the_suffix_of_another_format_is_refused(
    format_name: str, output: str, store: Path, tmp_path: Path, cli: Cli
) -> None:
    ran = cli("report", store, "--format", format_name, "-o", tmp_path / output)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert f"{output} ends in {Path(output).suffix.lower()}, and the format {format_name}" in ran.err
    assert SUFFIXES[format_name, output] in ran.err
    assert not (tmp_path / output).exists()
    with pytest.raises(albench.RequestError, match="ends in"):
        albench.report(store, tmp_path / output, format=format_name)


@pytest.mark.parametrize("output", ["report", "report.v2", "report.txt", "report.MD"])
def test_an_output_with_its_own_suffix_with_none_or_with_one_of_no_format_is_written(
    output: str, store: Path, tmp_path: Path, cli: Cli
) -> None:
    assert cli("report", store, "--format", "md", "-o", tmp_path / output).code == 0
    assert (tmp_path / output).read_text().startswith("# synthetic")


def test_a_format_that_cannot_be_imported_hides_no_other_ones_suffix(
    store: Path, tmp_path: Path, cli: Cli, plugins: PluginFolder
) -> None:
    plugins.install(
        "odd",
        "import albench\n@albench.hookimpl\ndef albench_report_formats():\n    return {'aaa': 'nowhere:Missing'}\n",
    )
    assert "ask for --format latex" in cli("report", store, "-o", tmp_path / "x.tex").err
    assert cli("report", store, "-o", tmp_path / "x.html").code == 0


def test_a_folder_of_figures_goes_to_no_terminal(store: Path, cli: Cli) -> None:
    ran = cli("report", store, "--format", "figures[figures=ranks]", "-o", "-")
    assert (ran.code, ran.out) == (2, "")
    assert "writes a folder of files; name it with --output" in ran.err
