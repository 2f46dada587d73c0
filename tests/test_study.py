from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import albench
from albench.errors import RequestError
from albench.protocols.discovery import Discovery
from albench.study.layers import presets, read_preset
from albench.study.spec import CellSpec
from albench.study.study import Request, Study, read_study
from albench.training.finetune import Finetune
from tests.conftest import PluginFolder


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
        ("rounds = true\n", "rounds"),
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


def key(**words: Any) -> str:
    values = {"rounds": 3, **words.pop("values", {})}
    return read_study(Request(values=values, **{"strategies": "min", "seeds": "0,", **words})).cells()[0].key


def test_the_key_of_a_cell_depends_on_what_its_result_depends_on_and_on_nothing_else() -> None:
    base = key()
    assert base == key(strategies="min,max") == key(seeds=2) == key(values={"rounds": 8})
    assert base == key(protocol="discovery,top-k", learner="finetune,retrain")
    assert base == key(protocol="discovery[n_sets=200]"), "what the preset says may be said again"
    others = [
        key(strategies="max"),
        key(strategies="min[stream=1]"),
        key(seeds="1,"),
        key(scenarios="digits[novel=4]"),
        key(values={"n_sets": 7}),
        key(values={"update_iterations": 7}),
        key(learner="retrain"),
        key(protocol="top-k"),
        key(network="cifar10-quick[bias_rate=1]"),
    ]
    assert len({base, *others}) == 10


KINDS_OF_A_CELL = {
    "strategies": ("Strategy", "    def score(self, query):\n        return query.logits[:, 0]\n"),
    "scenarios": ("DiscoveryScenario", "    def data(self):\n        return albench.scenario('digits').data()\n"),
    "protocols": ("Protocol", "    def rounds(self, labels):\n        return 1\n    def choose(self, strategy, query):\n        return 0\n"),
    "learners": ("Learner", "    def fit(self, model, examples):\n        pass\n    def update(self, *_):\n        pass\n"),
    "networks": ("Network", "    def build(self, *_):\n        return None\n"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS_OF_A_CELL)
def test_a_new_field_with_a_default_moves_no_key(kind: str, plugins: PluginFolder) -> None:
    base, body = KINDS_OF_A_CELL[kind]
    option = {"protocols": "protocol", "learners": "learner", "networks": "network"}.get(kind, kind)

    def found(name: str, fields: str) -> tuple[str, str]:
        source = (
            f"import albench\nfrom dataclasses import dataclass\n@albench.hookimpl\ndef albench_{kind}():\n"
            f"    return {{'grown': '{name}:Grown'}}\n@dataclass(frozen=True)\nclass Grown(albench.{base}):\n{fields}{body}"
        )
        plugins.install(name, source)
        values = {} if kind == "protocols" else {"set_size": 5}
        if kind == "scenarios":
            values |= {"known": 2, "novel": 2, "initial_per_class": 5, "pool_per_class": 25, "test_per_class": 5}
        request = {"strategies": "random", option: "grown[old=3]", "seeds": 1, "values": values}
        cell = read_study(Request(**request)).cells()[0]  # type: ignore[arg-type]
        (plugins.root / f"{name}-1.0.dist-info" / "entry_points.txt").unlink()
        return cell.key, cell.initial_key

    before = found(f"first_{kind}", "    old: int = 1\n")
    after = found(f"second_{kind}", "    old: int = 1\n    new: float = 0.5\n    other: str = 'x'\n")
    assert before == after


def test_cells_that_differ_in_what_follows_the_initial_training_share_its_network() -> None:
    def initial(**words: Any) -> str:
        return read_study(Request(strategies="min", seeds=1, **words)).cells()[0].initial_key

    base = initial()
    assert base == initial(protocol="top-k") == initial(values={"update_iterations": 3, "old_fraction": 0.5})
    assert len({base, initial(values={"batch_size": 3}), initial(learner="retrain"), initial(network="cifar10-quick[head_std=1]")}) == 4  # fmt: skip


def test_a_raised_results_version_gives_another_key_and_a_new_release_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from albench_strategies.posterior import LeastConfident

    request = Request(strategies="min", seeds=1)
    before = read_study(request).cells()[0].key
    monkeypatch.setattr("albench.running.provenance.version", lambda _: "99.0")
    assert read_study(request).cells()[0].key == before
    monkeypatch.setattr(LeastConfident, "results_version", 2)
    assert read_study(request).cells()[0].key != before


def test_a_specification_survives_the_way_through_json() -> None:
    cell = read_study(Request(strategies="emoc[expectation=5]", seeds=1)).cells()[0]
    again = CellSpec.from_json(json.loads(json.dumps(cell.to_json())))
    assert (again, again.key, again.initial_key) == (cell, cell.key, cell.initial_key)
    assert again.strategy.build() == cell.strategy.build()
    assert replace(again, seed=1).key != cell.key


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
