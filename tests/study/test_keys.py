"""Keys: what a cell's result depends on, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from albench.study.spec import CellSpec
from albench.study.study import Request, read_study
from tests.conftest import PluginFolder


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
            f"    return {{'grown': '{name}:Grown'}}\n@dataclass(frozen=True)\nclass Grown(albench.{base}):\n"
            f"    results_version = 1\n{fields}{body}"
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
