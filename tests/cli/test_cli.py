"""The real command line, in this process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import albench
from albench import api
from albench.executors.here import Here
from albench.study.study import Request
from tests.conftest import SMALL, Cli, PluginFolder, small_options, small_run


def test_a_run_prints_rounds_the_leaderboard_and_the_reports_path_and_exits_with_0(tmp_path: Path, cli: Cli) -> None:
    options = ["--seeds", "2", *small_options(), "--jobs", 2]
    ran = cli("run", "--strategies", "min,random", *options, "--store", tmp_path / "s")
    assert ran.code == 0
    assert "digits / min / seed 1: round 2: accuracy 0." in ran.out
    assert "vs random" in ran.out
    assert "4 of 4 cells done" in ran.out
    assert f"report: {tmp_path / 's' / 'report.html'}" in ran.out
    assert (tmp_path / "s" / "report.html").stat().st_size > 100_000
    again = cli("run", "--strategies", "min,random", "--seeds", "2", *small_options(), "--store", tmp_path / "s")
    assert "0 of 4 cells to run" in again.out
    assert "round" not in again.out.split("scenario  strategy")[0].replace("rounds", "")


def test_a_dry_run_prints_the_grid_and_writes_nothing(tmp_path: Path, cli: Cli) -> None:
    ran = cli(
        "run", "--strategies", "min,random", "--seeds", "0,5", *small_options(), "--store", tmp_path / "s", "--dry-run"
    )
    assert ran.code == 0
    assert "4 cells would run" in ran.out
    assert ran.out.count("missing") == 4
    assert not (tmp_path / "s").exists()


def test_a_study_file_runs_under_its_own_name(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(
        'strategies = ["random"]\nseeds = 1\nrounds = 1\n[learner.finetune]\ninitial_iterations = 2\nupdate_iterations = 1\n'
    )
    assert cli("run", "mine.toml").code == 0
    assert len(albench.load("runs/mine")) == 2


def test_load_returns_the_columns_of_the_protocol_one_row_a_round(tmp_path: Path) -> None:
    outcome = albench.run(
        strategies="random",
        seeds=1,
        set={"initial_iterations": 3, "update_iterations": 1},
        rounds=2,
        store=tmp_path,
        jobs=1,
    )
    assert outcome.exit_code == 0
    frame = albench.load(tmp_path)
    expected = [
        "scenario",
        "strategy",
        "seed",
        "round",
        "n_labeled",
        "accuracy",
        "accuracy_known",
        "accuracy_novel",
        "n_classes",
        "n_novel_found",
        "query_class",
        "query_is_novel",
        "query_label",
        "query_seconds",
        "train_seconds",
        "eval_seconds",
        "peak_memory_bytes",
    ]
    assert set(expected) <= set(frame.columns)
    assert frame.n_labeled.tolist() == [100, 110, 120]
    query_columns = ["query_class", "query_is_novel", "query_label", "query_seconds", "peak_memory_bytes"]
    assert frame.loc[0, query_columns].isna().all()
    assert frame.loc[1:, query_columns[:4]].notna().all(axis=None)
    assert frame.query_indices.str.len().tolist()[1:] == [10, 10]
    assert ((frame.accuracy_known + frame.accuracy_novel) / 2).tolist() == pytest.approx(frame.accuracy.tolist())
    split = albench.scenario("digits").split(0)
    for row in frame.iloc[1:].itertuples():
        labels = set(split.labels[row.query_indices])
        assert {split.class_names[label] for label in labels} == {row.query_class}
        assert row.query_is_novel == (labels.pop() not in split.known)


def test_debug_shows_the_traceback(cli: Cli) -> None:
    with pytest.raises(albench.AlbenchError):
        cli("--debug", "run", "--strategies", "emco")


def test_a_store_that_cannot_be_written_is_said_before_anything_runs(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "file").write_text("in the way")
    ran = cli("run", "--strategies", "random", *small_options(), "--store", tmp_path / "file" / "s")
    assert ran.code == 2
    assert "cannot be used" in ran.err


def test_a_report_that_fails_costs_no_result(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "s" / "report.html").mkdir(parents=True)
    ran = cli("run", "--strategies", "random", "--seeds", "1", *small_options(), "--store", tmp_path / "s")
    assert ran.code == 0
    assert "1 of 1 cells done" in ran.out
    assert "the report could not be written" in ran.err


def test_a_file_in_the_folder_does_not_stand_in_for_a_module(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("queue.py").write_text("raise RuntimeError('not this one')\n")
    assert cli("run", "--strategies", "random", "--seeds", "1", *small_options(), "--store", "s").code == 0


def test_a_third_partys_scenario_that_raises_is_named_before_anything_runs(
    tmp_path: Path, plugins: PluginFolder, cli: Cli
) -> None:
    plugins.install(
        "broken",
        "from dataclasses import dataclass\nimport albench\n@albench.hookimpl\ndef albench_scenarios():\n"
        "    return {'broken': 'broken:Broken'}\n@dataclass(frozen=True)\nclass Broken(albench.Scenario):\n"
        "    def split(self, seed):\n        raise KeyError('labels')\n",
    )
    ran = cli("run", "--scenarios", "broken", "--strategies", "random", "--store", tmp_path / "s")
    assert ran.code == 2
    assert (
        "scenario 'broken' of plugin 'broken' of broken 1.0 cannot be split for seed 0: KeyError: 'labels'" in ran.err
    )


def test_a_full_disk_fails_the_cell_with_a_sentence(tmp_path: Path, plugins: PluginFolder, cli: Cli) -> None:
    """A limit on the size of files stands for a full disk; it is set once the worker queries."""
    plugins.install_strategy(
        "filling",
        "def score_sets(self, query):\n    import resource, signal\n    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
        "    return query.logits[query.sets].sum(dim=(1, 2))",
    )
    ran = cli(
        "run",
        "--strategies",
        "random,filling",
        "--seeds",
        "1",
        "--jobs",
        1,
        *small_options(),
        "--store",
        tmp_path / "s",
    )
    assert ran.code == 1
    assert "cannot be written" in ran.out + ran.err
    assert "free space" in ran.out + ran.err
    assert albench.load(tmp_path / "s").strategy.unique().tolist() == ["random"]


def test_a_diverged_training_is_a_recorded_failure(tmp_path: Path, cli: Cli) -> None:
    options = small_options(learning_rate=1e9, initial_iterations=60)
    ran = cli("run", "--strategies", "random", "--seeds", "1", *options, "--store", tmp_path)
    assert ran.code == 1
    assert "training diverged" in ran.err
    assert albench.load(tmp_path).empty


def test_listing_commands_write_one_json_array(tmp_path: Path, cli: Cli) -> None:
    names = {row["name"] for row in json.loads(cli("list", "--format", "json").out)}
    assert {"emoc", "digits", "cifar10-quick", "local", "paper"} <= names
    assert {row["kind"] for row in json.loads(cli("list", "strategies", "--format", "json").out)} == {"strategies"}
    assert cli("list", "strategy").out == cli("list", "strategies").out
    wrong = cli("list", "strategys")
    assert wrong.code == 2
    assert "did you mean 'strategies'?" in wrong.err
    described = json.loads(cli("show", "emoc", "--format", "json").out)[0]
    assert {"name": "output", "type": "logits or softmax", "default": "logits"} in described["parameters"]
    assert json.loads(cli("doctor", "--format", "json").out)[0]["check"] == "python"
    cli("run", "--strategies", "random", "--seeds", "1", *small_options(), "--store", tmp_path)
    assert json.loads(cli("status", tmp_path, "--format", "json").out)[0]["status"] == "done"


def test_show_tells_parameters_with_ranges_and_a_presets_protocol(cli: Cli) -> None:
    assert "expectation  int, >= 1 or none" in cli("show", "emoc").out
    paper = cli("show", "paper").out
    assert re.search(r"learner +finetune +initial_iterations +2000", paper)
    assert "rounds: until the pool is exhausted" in paper
    assert re.search(r"protocol +discovery +set_size +10\n", cli("show", "quickstart").out)
    wrong = cli("show", "emco")
    assert wrong.code == 2
    assert "did you mean 'emoc'?" in wrong.err


def test_doctor_exits_with_0_where_only_a_plugin_is_broken(plugins: PluginFolder, cli: Cli) -> None:
    plugins.install("faulty", "1 / 0\n")
    ran = cli("doctor")
    assert ran.code == 0
    assert "plugin 'faulty' of faulty 1.0: faulty cannot be imported (ZeroDivisionError: division by zero)" in ran.out


def test_status_and_report_refuse_a_folder_that_is_no_store(tmp_path: Path, cli: Cli) -> None:
    for command in ("status", "report"):
        ran = cli(command, tmp_path)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert "is no store" in ran.err


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["list"], ["run", "--help"], ["doctor", "--help"], ["new", "--help"]]
)
def test_help_and_list_import_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['albench', *sys.argv[1:]]\n"
        "from albench.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'pandas', 'plotly', 'scipy', 'sklearn', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr


def test_importing_albench_imports_nothing_heavy() -> None:
    code = "import sys, albench; assert not {'torch', 'pandas', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_can_be_imported() -> None:
    for name in albench.__all__:
        assert getattr(albench, name) is not None
    assert albench.executor("local[jobs=3]").jobs == 3  # type: ignore[attr-defined]
    assert albench.report_section("leaderboard") is not None


def test_status_imports_nothing_heavy(tmp_path: Path) -> None:
    small_run(tmp_path)
    code = (
        "import sys; sys.argv = ['albench', 'status', sys.argv[1]]\n"
        "from albench.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'pandas', 'plotly', 'scipy', 'sklearn'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 cells done" in done.stdout


def test_a_long_training_is_told_of_in_plain_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from albench.cli.progress import _line

    monkeypatch.setattr("albench.running.watching.SILENT_SECONDS", 0.0)
    lines: list[str] = []
    planned = api.plan(
        Request(strategies="random", seeds=1, rounds=1, values={**SMALL, "initial_iterations": 120}), tmp_path
    )
    api.perform(
        planned, Here(), "cpu", 1, [], lambda event: lines.append(_line(event, {event["cell"]["setting"]: "d"}))
    )
    told = [line for line in lines if "the initial training" in line]
    assert told == [
        "d / random / seed 0: the initial training: 42% (51 of 120 iterations)",
        "d / random / seed 0: the initial training: 84% (101 of 120 iterations)",
    ]


def test_several_settings_are_told_apart_by_no_more_than_they_need(tmp_path: Path, cli: Cli) -> None:
    options = [
        "--strategies",
        "random,min",
        "--seeds",
        "1",
        *small_options(rounds=1),
        "--jobs",
        "1",
        "--store",
        tmp_path,
    ]
    ran = cli("run", *options, "--protocol", "discovery,top-k[query_size=5]")
    assert ran.code == 0, ran.err
    assert "random, min on digits / discovery, digits / top-k, 1 seeds: 4 of 4 cells to run" in ran.out
    assert "digits / top-k / min / seed 0: round 1: accuracy" in ran.out
    listed = cli("status", tmp_path).out
    assert listed.startswith("setting ")
    assert "digits / discovery  random" in listed
    rows = json.loads(cli("status", tmp_path, "--format", "json").out)
    assert {row["protocol"] for row in rows} == {"discovery[n_sets=6,set_size=5]", "top-k[query_size=5]"}
    one = cli("run", *options[:-1], tmp_path / "one")
    assert "random, min on digits, 1 seeds" in one.out
    assert cli("status", tmp_path / "one").out.startswith("scenario ")
