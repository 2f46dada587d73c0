from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import albench
from albench.errors import RequestError
from albench.protocols.discovery import Discovery
from albench.study.layers import presets, read_preset
from albench.study.study import Request, Study, read_study
from albench.training.finetune import Finetune


def study(text: str, tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def labels(found: Study) -> list[str]:
    return [setting.label for setting in found.settings]


def test_the_defaults_of_the_protocol_are_the_papers() -> None:
    assert Discovery() == Discovery(n_sets=1000, set_size=25)
    assert Finetune() == Finetune(
        initial_iterations=2000, update_iterations=1000, batch_size=64, learning_rate=1e-4, momentum=0.9,
        weight_decay=5e-4, old_fraction=0.9, optimizer="sgd", schedule="constant", warmup_iterations=0,
        augmentation="none", precision="fp32",
    )  # fmt: skip
    paper = read_study(Request(preset="paper"))
    assert [setting.protocol.build() for setting in paper.settings] == [Discovery()]
    assert [setting.learner.build() for setting in paper.settings] == [Finetune()]
    assert labels(paper) == ["cifar100"]
    assert paper.rounds is None
    assert paper.seeds == tuple(range(9))
    assert [choice.label for choice in paper.strategies] == ["emoc[tolerance=0]", "min", "1vs2", "max", "random"]


def test_without_any_word_the_quickstart_runs_on_digits() -> None:
    plain = read_study(Request())
    assert (plain.name, plain.preset) == ("quickstart", "quickstart")
    assert list(plain.scenarios) == ["digits"]
    assert [choice.label for choice in plain.strategies] == ["emoc", "min", "1vs2", "max", "random"]
    assert len(plain.seeds) == 3
    assert plain.rounds is not None
    assert plain.rounds >= 8


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_a_valid_study_and_says_what_it_is(name: str) -> None:
    assert read_study(Request(preset=name)).preset == name
    assert read_preset(name)["description"]


def test_the_command_line_wins_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    path = study(
        'preset = "lite"\nseeds = [4, 2]\nrounds = 3\n[strategies.emoc]\nexpectation = 7\nlabel = "example"\n'
        "[strategies.random]\n[protocol.discovery]\nn_sets = 9\n",
        tmp_path,
    )
    found = read_study(Request(path))
    assert found.name == "mine"
    assert [choice.label for choice in found.strategies] == ["emoc[label=example,expectation=7]", "random"]
    assert found.seeds == (4, 2)
    assert found.rounds == 3
    setting = found.settings[0]
    assert setting.protocol.build().n_sets == 9
    assert setting.learner.build().update_iterations == 150
    won = read_study(Request(path, strategies="max,emoc[expectation=8]", seeds="1", rounds=5))
    assert [choice.label for choice in won.strategies] == ["max", "emoc[label=example,expectation=8]"]
    assert (won.seeds, won.rounds) == ((0,), 5)
    assert read_study(Request(path, values={"rounds": 6})).rounds == 6
    assert read_study(Request(path, values={"rounds": "none"})).rounds is None
    assert read_study(Request(path, values={"n_sets": 8})).settings[0].protocol.build().n_sets == 8


def test_the_command_line_wins_over_brackets_of_a_file_and_its_own_brackets_over_set(tmp_path: Path) -> None:
    path = study('rounds = "none"\nprotocol = "top-k[query_size=7]"\nstrategies = ["random"]\n', tmp_path)
    assert read_study(Request(path)).rounds is None
    found = read_study(Request(path, learner="retrain", values={"query_size": 9}))
    assert labels(found) == ["digits / top-k[query_size=9] / retrain"]
    won = read_study(Request(path, protocol="top-k[query_size=5]", values={"query_size": 9}))
    assert won.settings[0].protocol.label == "top-k[query_size=5]"


def test_settings_of_one_label_that_are_not_the_same_are_refused(tmp_path: Path) -> None:
    source = "import albench\nfrom albench_datasets.digits import Digits\nclass Data(Digits):\n    pass\n"
    (tmp_path / "a.py").write_text(source, encoding="utf-8")
    (tmp_path / "b.py").write_text(source + "    other = 1\n", encoding="utf-8")
    path = study('[[settings]]\nscenarios = "a.py:Data"\n[[settings]]\nscenarios = "b.py:Data"\n', tmp_path)
    with pytest.raises(RequestError, match=r"two settings have the label 'Data.*' and are not the same"):
        read_study(Request(path))


def test_settings_are_the_product_of_what_each_option_lists() -> None:
    request = Request(
        scenarios="digits,digits[novel=3]", protocol="discovery[n_sets=1000,set_size=25],top-k", learner="finetune,retrain",
        values={"update_iterations": 1000}, strategies="random",
    )  # fmt: skip
    assert labels(read_study(request)) == [
        "digits", "digits / retrain", "digits / top-k", "digits / top-k / retrain",
        "digits[novel=3]", "digits[novel=3] / retrain", "digits[novel=3] / top-k", "digits[novel=3] / top-k / retrain",
    ]  # fmt: skip


def test_a_study_file_may_list_settings_one_by_one_and_options_win_over_each(tmp_path: Path) -> None:
    path = study(
        'strategies = ["random"]\nnetwork = "cifar10-quick[head_std=0.2]"\n[protocol.top-k]\nquery_size = 7\n'
        '[[settings]]\nscenarios = "digits"\nprotocol = "top-k"\n'
        '[[settings]]\nscenarios = ["digits[novel=2]"]\nlearner = { retrain = { iterations = 9 } }\n',
        tmp_path,
    )
    quick = "cifar10-quick[head_std=0.2]"
    tuned = "finetune[update_iterations=200]"
    assert labels(read_study(Request(path))) == [
        f"digits / top-k[query_size=7] / {tuned} / {quick}",
        f"digits[novel=2] / top-k[query_size=7] / retrain[iterations=9] / {quick}",
    ]
    won = read_study(Request(path, learner="retrain[iterations=4]", network="cifar10-quick"))
    assert labels(won) == [
        "digits / top-k[query_size=7] / retrain[iterations=4]",
        "digits[novel=2] / top-k[query_size=7] / retrain[iterations=4]",
    ]


def test_a_value_reaches_every_chosen_component_that_has_the_parameter_and_brackets_win() -> None:
    found = read_study(
        Request(learner="finetune,retrain,retrain[batch_size=8,iterations=3]", values={"batch_size": 16, "novel": 4})
    )
    assert [setting.learner.build().batch_size for setting in found.settings] == [16, 16, 8]
    assert list(found.scenarios) == ["digits[novel=4]"]


def test_seeds_are_a_count_a_list_or_ranges() -> None:
    given = {
        2: (0, 1), "2": (0, 1), "0,3,7": (0, 3, 7), "3,": (3,), (5, 5, 1): (5, 1), "0-2": (0, 1, 2), "4,0-1": (4, 0, 1),
    }  # fmt: skip
    for seeds, expected in given.items():
        assert read_study(Request(seeds=seeds)).seeds == expected


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        (10**9, "are more than 100000; ask for fewer"),
        ("1000000000000000000000", "are more than 100000"),
        ("0-99999999999", "are more than 100000"),
        ("9223372036854775808,", "is too large; a seed is at most 2^63 - 1"),
        ([2**63], "is too large"),
        ("5-2", "give a number of seeds from 1 up"),
        ("1" * 5000, "neither a number of seeds nor a list"),
    ],
)
def test_seeds_that_no_store_can_hold_are_refused_before_they_take_memory(seeds: Any, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_study(Request(seeds=seeds))
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strategys = ['min']\n", "there is no key 'strategys'; did you mean 'strategies'?"),
        ("seeds = 'three'\n", "seeds"),
        ("[strategies.emoc]\nexpectatoin = 3\n", "strategy 'emoc': there is no parameter 'expectatoin'; did you mean"),
        (
            "[protocol.discovery]\nn_set = 3\n",
            "protocol 'discovery': there is no parameter 'n_set'; did you mean 'n_sets'?",
        ),
        ("[protocol.discovery]\nn_sets = 0\n", "n_sets: input should be greater than or equal to 1 (it is 0)"),
        ("[protocol]\nn_sets = 3\n", "protocol: 'n_sets' has no component; write it below one that has this parameter"),
        ("[[settings]]\nseeds = 3\n", "settings 1: there is no key 'seeds'"),
        ("rounds = -1\n", "rounds: -1 is no number of rounds"),
        ("rounds = true\n", "rounds.int: input should be a valid integer (it is True)"),
        ("rounds = 2.0\n", "rounds.int: input should be a valid integer (it is 2.0)"),
        ("seeds = true\n", "seeds.int: input should be a valid integer (it is True)"),
        ("[[settings]]\nnetwork = 3\n", "settings.0.network"),
        ("strategies = ['emco']\n", "there is no strategy 'emco'; did you mean 'emoc'?"),
        ("preset = 'papper'\n", "there is no preset 'papper'; did you mean 'paper'?"),
        ("seeds = \n", "is no readable TOML file"),
        ("seeds = [-1]\n", "seeds"),
        ("name = '../../x'\n", "name: '../../x' cannot name a folder in runs/"),
        ("name = '/tmp/x'\n", "cannot name a folder in runs/"),
        ("name = '..'\n", "cannot name a folder in runs/"),
        (f"name = '{'x' * 256}'\n", "cannot name a folder in runs/"),
        (f"seeds = {'[' * 3000}\n", "is no readable TOML file"),
        (f"seeds = {'1' * 5000}\n", "is no readable TOML file"),
        ("strategies = []\n[scenarios]\n", None),
    ],
)
def test_a_wrong_study_file_is_an_error_that_says_where(text: str, message: str | None, tmp_path: Path) -> None:
    path = study(text, tmp_path)
    if message is None:
        assert read_study(Request(path)).strategies, "empty lists say nothing"
        return
    with pytest.raises(RequestError) as caught:
        read_study(Request(path))
    assert message in str(caught.value)
    assert len(str(caught.value)) < 600


FEATURES = """
import albench
import numpy as np
from dataclasses import dataclass
@dataclass(frozen=True)
class Points(albench.Scenario):
    def split(self, seed):
        draws = albench.stream(seed, "points")
        labels = np.arange(40) % 2
        rows = draws.permutation(40)
        return albench.Split((draws.normal(size=(40, 3)) + labels[:, None]).astype(np.float32), labels, rows[:10], rows[10:30], rows[30:], ["a", "b"], [0, 1])
"""  # fmt: skip
ONLY_SETS = """
import albench
from dataclasses import dataclass
@dataclass(frozen=True)
class OnlySets(albench.Strategy):
    def score_sets(self, query):
        return query.probabilities[query.sets].amax(dim=(1, 2))
"""
ONLY_SELECTS = """
import albench, torch
from dataclasses import dataclass
@dataclass(frozen=True)
class OnlySelects(albench.Strategy):
    def select(self, query, k):
        return torch.arange(min(k, len(query.pool)))
"""


@pytest.mark.parametrize(
    ("source", "words", "message"),
    [
        (ONLY_SETS, {"strategies": "OnlySets", "protocol": "top-k"}, "OnlySets cannot be asked by top-k: it only ranks candidate sets"),
        (ONLY_SELECTS, {"strategies": "OnlySelects"}, "OnlySelects cannot be asked by discovery[n_sets=200,set_size=10]: it ranks no"),
        (FEATURES, {"scenarios": "Points"}, "cifar10-quick cannot be used with Points: it takes images, and the scenario gives"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_before_anything_runs(
    source: str, words: dict[str, str], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "one.py"
    path.write_text(source, encoding="utf-8")
    named = {kind: f"{path}:{name}" if name[0].isupper() else name for kind, name in words.items()}
    with pytest.raises(RequestError) as caught:
        read_study(Request(seeds=1, **{"strategies": "random", **named})).survey()  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert isinstance(albench.strategy("random"), albench.Strategy)
