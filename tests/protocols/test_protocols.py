"""How a round asks: published batch strategies under top-k, and what a setting needs of its parts."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import albench
from albench.contracts.learner import Examples
from albench.contracts.protocol import Protocol
from albench.contracts.query import Query
from albench.rng import torch_stream
from albench.running.initial import new_model
from albench.running.loop import Loop
from albench.study.study import Request, read_study
from albench.testing import LearnerContract, ProtocolContract
from albench.training.finetune import Finetune
from albench.training.retrain import Retrain
from tests.conftest import SMALL, PluginFolder, small_run

LEARNING = {name: value for name, value in SMALL.items() if name.endswith("_iterations") or name == "batch_size"}


class TestDiscovery(ProtocolContract):
    @pytest.fixture
    def protocol(self) -> Protocol:
        return albench.protocol("discovery[n_sets=20,set_size=10]")


class TestTopK(ProtocolContract):
    @pytest.fixture
    def protocol(self) -> Protocol:
        return albench.protocol("top-k[query_size=50]")


class TestFinetune(LearnerContract):
    @pytest.fixture
    def learner(self) -> Finetune:
        return Finetune(initial_iterations=20, update_iterations=20, augmentation="flip-crop", schedule="cosine")


class TestRetrain(LearnerContract):
    @pytest.fixture
    def learner(self) -> Retrain:
        return Retrain(iterations=20, optimizer="adamw", warmup_iterations=3)


def loop(strategy: str, protocol: str = "top-k[query_size=8]") -> Loop:
    values = {"initial_iterations": 60, "update_iterations": 20}
    request = Request(strategies=strategy, seeds=1, protocol=protocol, values=values)
    cell = read_study(request).cells()[0]
    split = cell.setting.scenario.build().split(0)
    state = Loop(cell, split, new_model(cell, split, "cpu"))
    state.learner.fit(state.model, Examples(split.images[split.initial], split.labels[split.initial]))
    return state


@pytest.mark.parametrize("name", ["badge", "coreset", "bait", "batchbald", "typiclust", "prediction-flips"])
def test_under_top_k_a_batch_strategy_selects_what_its_select_selects(name: str) -> None:
    """Three rounds, each held against `select` of a query that is made here from the split and the network."""
    state = loop(name)
    state.run(0, lambda _: None, 0.0)
    split, memory = state.split, {}
    mean = split.images[split.initial].mean(axis=0, dtype=np.float64).astype(np.float32)
    left, labeled = split.pool.tolist(), split.initial.tolist()
    for number in (1, 2, 3):
        classes = list(state.model.classes)
        query = Query(
            network=copy.deepcopy(state.model.network).eval(),
            pool=torch.from_numpy(split.images[left].astype(np.float32) - mean),
            labeled=torch.from_numpy(split.images[labeled].astype(np.float32) - mean),
            labels=torch.tensor([classes.index(label) for label in split.labels[labeled]]),
            sets=None,
            generator=torch_stream(0, "strategy", name, 0, number),
            round=number,
            pool_ids=torch.tensor([split.pool.tolist().index(row) for row in left]),
            memory=memory,
        )
        chosen = [left[place] for place in albench.strategy(name).select(query, 8).tolist()]
        memory = query.stored_memory()
        assert state.round()
        assert state.rows[-1]["query_indices"] == chosen
        labeled += chosen
        left = [row for row in left if row not in chosen]


def test_top_k_counts_novel_examples_and_grows_the_head_by_every_class_it_finds() -> None:
    state = loop("random")
    state.run(2, lambda _: None, 0.0)
    known = set(state.split.known)
    for row in state.rows[1:]:
        asked = state.split.labels[row["query_indices"]].tolist()
        assert row["n_novel_queried"] == sum(label not in known for label in asked)
        assert (row["query_class"], row["query_is_novel"], row["query_label"]) == (None, None, None)
    found = set(state.split.labels[state.labeled].tolist())
    assert state.model.network.head.out_features == len(state.model.classes) == len(found)
    assert state.rows[0]["n_novel_queried"] is None


def test_the_last_round_of_top_k_may_be_smaller_and_then_the_pool_is_exhausted(tmp_path: Path) -> None:
    outcome = albench.run(
        strategies="random", seeds=1, protocol="top-k[query_size=150]", scenarios="digits[novel=0]", rounds=9,
        set={**LEARNING}, store=tmp_path, jobs=1,
    )  # fmt: skip
    frame = outcome.rounds()
    assert outcome.exit_code == 0
    assert frame.n_labeled.tolist() == [100, 250, 300]
    assert frame.accuracy_novel.isna().all()
    assert frame.n_novel_queried.tolist()[1:] == [0, 0]


def test_protocols_and_strategies_of_a_seed_share_one_initial_network(tmp_path: Path) -> None:
    albench.run(
        strategies="random,min", seeds=1, protocol="discovery[n_sets=6,set_size=5],top-k[query_size=5]", rounds=1,
        set=LEARNING, store=tmp_path, report=False,
    )  # fmt: skip
    assert len(list(tmp_path.glob("initial/*/*.safetensors"))) == 1
    frame = albench.load(tmp_path)
    assert frame[frame["round"] == 0].accuracy.nunique() == 1
    assert len(frame) == 8


ONE_BY_ONE = """
import albench
from dataclasses import dataclass
from typing import ClassVar

@albench.hookimpl
def albench_protocols():
    return {"one-by-one": "one_by_one:OneByOne"}

@dataclass(frozen=True)
class OneByOne(albench.Protocol):
    columns: ClassVar[dict] = {%s}
    def rounds(self, labels):
        return len(labels)
    def choose(self, strategy, query):
        return strategy.score(query).argmax()[None].numpy()
    def record(self, labeled):
        return {"known_before": int(labeled.labels[0]) in labeled.known}
"""


def test_a_third_partys_protocol_adds_its_columns_to_frames_null_elsewhere(
    tmp_path: Path, plugins: PluginFolder
) -> None:
    plugins.install("one_by_one", ONE_BY_ONE % '"known_before": "boolean"')
    words: dict[str, Any] = {"strategies": "min", "seeds": 1, "rounds": 2, "set": LEARNING, "report": False, "jobs": 1}
    albench.run(protocol="one-by-one,discovery[n_sets=4,set_size=5]", store=tmp_path, **words)
    frame = albench.load(tmp_path)
    assert str(frame.known_before.dtype) == "boolean"
    own = frame.protocol == "one-by-one"
    assert frame[own & (frame["round"] > 0)].known_before.notna().all()
    assert frame[~own].known_before.isna().all()
    assert frame[own].n_labeled.tolist() == [100, 101, 102]


@pytest.mark.parametrize("column", ['"accuracy": "float64"', '"known_before": "datetime64"', '"query_label": "object"'])
def test_columns_that_no_frame_can_hold_are_refused(column: str, tmp_path: Path, plugins: PluginFolder) -> None:
    plugins.install("one_by_one", ONE_BY_ONE % column)
    with pytest.raises(albench.RequestError, match="has the name of another, or a type that is none of Int64"):
        albench.run(protocol="one-by-one", strategies="min", seeds=1, set=LEARNING, store=tmp_path)


def test_a_section_says_in_a_line_what_a_setting_lacks(tmp_path: Path) -> None:
    words: dict[str, Any] = {"strategies": "random,min", "seeds": 1, "rounds": 1, "set": LEARNING, "jobs": 1}
    outcome = albench.run(protocol="discovery[n_sets=4,set_size=5],top-k[query_size=5]", store=tmp_path, **words)
    assert outcome.report is not None
    text = outcome.report.read_text(encoding="utf-8")
    assert "digits / top-k is not shown here: it records no query_class" in text


def test_random_is_the_same_whatever_settings_stand_beside_it(tmp_path: Path) -> None:
    alone = small_run(tmp_path / "alone", "random").rounds()
    words: dict[str, Any] = {"strategies": "random", "seeds": 1, "rounds": 2, "report": False, "jobs": 1}
    values = {name: value for name, value in SMALL.items() if name != "rounds"}
    albench.run(protocol="top-k,discovery", learner="retrain[iterations=3],finetune", set=values, store=tmp_path / "both", **words)  # fmt: skip
    both = albench.load(tmp_path / "both")
    own = both[both.setting == alone.setting[0]].reset_index(drop=True)
    assert own[["accuracy", "n_labeled", "query_class"]].equals(alone[["accuracy", "n_labeled", "query_class"]])


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_scores_that_are_not_finite_fail_a_cell_under_top_k_too(
    value: str, tmp_path: Path, plugins: PluginFolder
) -> None:
    body = f"def score(self, query):\n    scores = query.logits[:, 0].clone()\n    scores[3] = float({value!r})\n    return scores"
    plugins.install_strategy("odd", body)
    outcome = albench.run(strategies="odd", seeds=1, protocol="top-k", rounds=1, set=LEARNING, store=tmp_path, jobs=1)
    assert outcome.statuses[0].status == "failed"
    assert "1 of them are NaN or infinite, the first at index 3" in outcome.statuses[0].reason


BAD_PROTOCOLS = {
    "draws": ("    def sets(self, labels, draws):\n        import numpy\n        numpy.random.rand()\n", "drawing candidate sets, it drew from the global generator of numpy"),
    "records too little": ("    def record(self, labeled):\n        return {}\n", "records what no row can hold (KeyError: 'known_before')"),
    "records an object": ("    def record(self, labeled):\n        return {'known_before': object()}\n", "records what no row can hold"),
    "records another type": ("    def record(self, labeled):\n        return {'known_before': 'x'}\n", "records what no row can hold (ValueError: known_before is 'x')"),
    "chooses nothing": ("    def choose(self, strategy, query):\n        import numpy\n        return numpy.zeros(0, dtype=int)\n", "its protocol chose int64 of shape (0,)"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD_PROTOCOLS)
def test_a_protocol_that_breaks_its_contract_fails_its_cells_with_a_sentence(
    fault: str, tmp_path: Path, plugins: PluginFolder
) -> None:
    body, message = BAD_PROTOCOLS[fault]
    plugins.install("one_by_one", ONE_BY_ONE % '"known_before": "boolean"' + body)
    outcome = albench.run(protocol="one-by-one", strategies="min", seeds=1, rounds=1, set=LEARNING, store=tmp_path)
    assert outcome.statuses[0].status == "failed"
    assert message in outcome.statuses[0].reason


def test_a_fault_in_a_protocols_checks_is_a_sentence(tmp_path: Path, plugins: PluginFolder) -> None:
    broken = ONE_BY_ONE % '"known_before": "boolean"' + "    def check_pool(self, labels):\n        1 / 0\n"
    plugins.install("one_by_one", broken)
    with pytest.raises(albench.RequestError, match="one-by-one cannot be used with digits: ZeroDivisionError"):
        albench.run(protocol="one-by-one", strategies="min", seeds=1, set=LEARNING, store=tmp_path)
