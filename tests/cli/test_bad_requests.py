"""A wrong request is one sentence and exit code 2, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Cli, small_options

WRONG = {
    "unknown strategy": (["--strategies", "emco"], "there is no strategy 'emco'; did you mean 'emoc'?"),
    "unknown scenario": (["--scenarios", "digit"], "there is no scenario 'digit'; did you mean 'digits'?"),
    "unknown network": (["--network", "resnet"], "there is no network 'resnet'"),
    "unknown executor": (["--executor", "remote"], "there is no executor 'remote'"),
    "unknown preset": (["--preset", "light"], "there is no preset 'light'; did you mean 'lite'?"),
    "unknown parameter": (["--strategies", "emoc[outputs=softmax]"], "did you mean 'output'?"),
    "wrong type": (["--strategies", "emoc[expectation=many]"], "expectation: input should be a valid integer"),
    "out of range": (["--strategies", "emoc[tolerance=2]"], "tolerance: input should be less than 1"),
    "unknown protocol value": (["--set", "round=3"], "has this parameter; did you mean 'rounds'?"),
    "no assignment": (["--set", "rounds"], "write key=value"),
    "nothing has it": (["--set", "n_set=3"], "has this parameter; did you mean 'n_sets'?"),
    "data that nobody reads": (
        ["--data", "."],
        "--data .: digits reads no folder of data; choose a scenario that does",
    ),
    "brackets without end": (["--set", f"n_sets={'[' * 3000}"], "n_sets: input should be a valid integer"),
    "brackets in a name": (
        ["--strategies", "a" + "[" * 3000],
        "is not a component: write name or name[parameter=value",
    ),
    "digits without end": (["--set", f"n_sets={'1' * 5000}"], "n_sets: "),
    "hex digits without end": (["--set", f"n_sets=0x{'f' * 5000}"], "n_sets: "),
    "a name without end": (["--strategies", "x" * 5000], "there is no strategy"),
    "a seed too large": (["--seeds", f"{2**63},"], "is too large; a seed is at most 2^63 - 1"),
    "a billion seeds": (["--seeds", "1000000000"], "are more than 100000; ask for fewer"),
    "unknown protocol": (["--protocol", "topk"], "there is no protocol 'topk'; did you mean 'top-k'?"),
    "unknown learner": (["--learner", "retrian"], "there is no learner 'retrian'; did you mean 'retrain'?"),
    "negative rounds": (["--set", "rounds=-1"], "rounds: -1 is no number of rounds"),
    "no rounds": (["--rounds", "0"], "rounds: 0 is no number of rounds; give one from 1 up, or none"),
    "no rounds in words": (["--set", "rounds=0"], "rounds: 0 is no number of rounds; give one from 1 up, or none"),
    "no threads": (["--threads", "0", "--dry-run"], "threads=0; give 1 or more"),
    "no jobs": (["--jobs", "0", "--dry-run"], "jobs: input should be greater than or equal to 1"),
    "a name in capitals": (["--strategies", "EMOC"], "there is no strategy 'EMOC'; did you mean 'emoc'?"),
    "a preset in capitals": (["--preset", "Paper"], "there is no preset 'Paper'; did you mean 'paper'?"),
    "a range that runs backwards": (["--seeds", "4-0"], "give a number of seeds from 1 up, or a list"),
    "set too large": (
        ["--set", "set_size=41"],
        "no class has more than 40 images in the pool; ask for --set set_size=40 or less",
    ),
    "too many classes": (
        ["--scenarios", "digits[novel=6]"],
        "known=5, novel=6 ask for 11 classes, and the data have 10",
    ),
    "too many images": (["--scenarios", "digits[pool_per_class=400]"], "lower initial_per_class, pool_per_class"),
    "no seeds": (["--seeds", "0"], "give a number of seeds from 1 up"),
    "no study file": (["nothing.toml"], "there is no study file nothing.toml"),
    "no such device": (["--device", "cuda:99", *small_options()], "the device 'cuda:99' cannot be used"),
    "absent data": (
        ["--scenarios", "cifar100", "--offline"],
        "put torchvision's cifar-100-python/train and its other files there",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_one_sentence_and_exit_code_2_before_anything_runs(
    case: str, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALBENCH_DATA", str(tmp_path / "empty"))
    options, message = WRONG[case]
    ran = cli("run", *options, "--store", tmp_path / "s")
    assert ran.code == 2
    assert message in ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "s").exists()


def test_jobs_beyond_a_range_are_refused(cli: Cli, tmp_path: Path) -> None:
    ran = cli("run", "--jobs", "0", "--store", tmp_path / "s")
    assert ran.code == 2
    assert "jobs: input should be greater than or equal to 1" in ran.err


def test_a_store_whose_name_no_disk_takes_is_refused(cli: Cli) -> None:
    ran = cli("run", "--strategies", "random", "--store", "x" * 256)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "cannot name a folder; give a shorter name" in ran.err
