"""Fairness is the product: what a strategy may see, and what no strategy may change for another."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import albench
from albench import api
from albench.contracts.learner import Examples
from albench.contracts.query import Query
from albench.running.initial import new_model
from albench.running.loop import Loop
from albench.store.store import Store
from albench.study.spec import CellSpec
from albench.study.study import Request, read_study
from tests.conftest import SMALL, PluginFolder, small_run

VARYING = ["query_seconds", "train_seconds", "eval_seconds", "peak_memory_bytes"]


def cell(strategy: str = "random", seed: int = 0) -> CellSpec:
    return read_study(Request(strategies=strategy, seeds=[seed], values=SMALL)).cells()[0]


def loop(spec: CellSpec) -> Loop:
    split = spec.setting.scenario.build().split(spec.seed)
    return Loop(spec, split, new_model(spec, split, "cpu"), split.initial.tolist())


def first_query(strategy: str) -> Query:
    state = loop(cell(strategy))
    pool = state.pool()
    return state.query(pool, np.arange(10).reshape(2, 5), 1)


def test_the_same_seed_starts_every_strategy_from_the_same_network_bit_for_bit(tmp_path: Path) -> None:
    small_run(tmp_path, "random,min,max")
    hashes = {snapshot.record["initial_sha256"] for _, snapshot in Store(tmp_path).snapshots()}
    assert len(hashes) == 1
    assert len(list(tmp_path.glob("initial/*/*.safetensors"))) == 1
    rows = albench.load(tmp_path).query("round == 0")
    assert rows.accuracy.nunique() == 1


def test_the_same_seed_gives_every_strategy_the_same_first_candidate_sets(
    tmp_path: Path, plugins: PluginFolder
) -> None:
    body = "def score_sets(self, query):\n    query.note('sets', query.sets.sum().item())\n    return query.logits[query.sets].sum(dim=(1, 2)) * {}\n"
    plugins.install_strategy("one", body.format(1))
    plugins.install_strategy("two", body.format(-1))
    small_run(tmp_path, "one,two")
    notes = albench.load(tmp_path).query("round == 1").notes
    assert len({note["sets"] for note in notes}) == 1


def test_adding_a_strategy_changes_no_number_of_another_and_runs_no_old_cell(tmp_path: Path) -> None:
    alone = small_run(tmp_path / "alone", "min", seeds=2).rounds()
    small_run(tmp_path / "grown", "min", seeds=2)
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "grown").glob("cells/*/min/*/*")}
    small_run(tmp_path / "grown", "max,min", seeds=2)
    assert stamps == {path: path.stat().st_mtime_ns for path in (tmp_path / "grown").glob("cells/*/min/*/*")}
    grown = albench.load(tmp_path / "grown").query("strategy == 'min'").reset_index(drop=True)
    columns = [name for name in alone.columns if name not in VARYING]
    assert grown[columns].equals(alone[columns])


def test_random_and_another_stream_of_random_differ_in_nothing_but_their_draws(tmp_path: Path) -> None:
    frame = small_run(tmp_path, "random,random[stream=1]", seeds=3).rounds()
    asked = frame[frame["round"] > 0]
    by_stream = [[rows.tolist() for rows in part.query_indices] for _, part in asked.groupby("strategy")]
    assert by_stream[0] != by_stream[1]
    assert frame.query("round == 0").groupby("seed").accuracy.nunique().eq(1).all()


def test_no_label_of_the_pool_can_be_reached_from_a_query() -> None:
    """Whatever a query refers to, directly or not, holds no array as long as the pool with its labels."""
    state = loop(cell())
    pool = state.pool()
    labels = state.split.labels[pool]
    query = state.query(pool, np.arange(10).reshape(2, 5), 1)
    seen: set[int] = set()
    waiting: list[object] = [query]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type) or type(thing).__name__ in ("module", "function"):
            continue
        seen.add(id(thing))
        assert not isinstance(thing, (Loop, type(state.split), type(state.model))), "a way back to the labels"
        if isinstance(thing, np.ndarray):
            assert thing.size != len(labels)
        if isinstance(thing, torch.Tensor):
            assert thing.dtype == torch.float32 or thing.numel() != len(labels) or thing is query.pool_ids
        waiting.extend(gc.get_referents(thing))


def test_images_reach_a_strategy_without_augmentation_and_the_network_in_eval_mode() -> None:
    state = loop(cell("min"))
    query = first_query("min")
    assert torch.equal(query.pool, state.model.prepare(state.split.images[state.pool()]))
    assert not query.network.training
    torch.testing.assert_close(query.probabilities, query.network(query.pool).softmax(dim=1))


def test_a_strategys_draws_are_keyed_by_its_name_its_stream_and_the_round() -> None:
    draws = {
        text: torch.rand(3, generator=first_query(text).generator).tolist()
        for text in ("random", "random[stream=1]", "min")
    }
    assert len({tuple(values) for values in draws.values()}) == 3
    assert torch.rand(3, generator=first_query("random").generator).tolist() == draws["random"]


BROKEN = {
    "raises": ("def score_sets(self, query):\n    raise ZeroDivisionError('no luck')", "ZeroDivisionError: no luck"),
    "nan": (
        "def score(self, query):\n    return query.logits[:, 0] * float('nan')",
        "6 of them are NaN or infinite, the first at index 0",
    ),
    "shape": ("def score_sets(self, query):\n    return query.logits", "it returned the shape"),
    "type": ("def score_sets(self, query):\n    return [1.0] * len(query.sets)", "it returned a list"),
    "device": ("def score_sets(self, query):\n    return query.logits[:6, 0].to('meta')", "its scores are on meta"),
    "network": (
        "def score_sets(self, query):\n    next(query.network.parameters()).data.add_(1)\n    return query.logits[:6, 0]",
        "it changed the network (conv1.weight)",
    ),
    "training": (
        "def score_sets(self, query):\n    query.network.train()\n    return query.logits[:6, 0]",
        "it left the network in training mode",
    ),
    "images": (
        "def score_sets(self, query):\n    query.pool.zero_()\n    return query.logits[:6, 0]",
        "it changed query.pool in place",
    ),
    "generator": (
        "def score_sets(self, query):\n    import torch\n    return torch.rand(len(query.sets))",
        "it drew from the global generator of torch; draw from query.generator",
    ),
    "numpy generator": (
        "def score_sets(self, query):\n    import numpy, torch\n    return torch.from_numpy(numpy.random.rand(len(query.sets)))",
        "it drew from the global generator of numpy",
    ),
    "note": (
        "def score_sets(self, query):\n    query.note('bad', float('inf'))\n    return query.logits[:6, 0]",
        "a note is a finite number",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_strategy_that_breaks_its_contract_fails_its_own_cell_with_a_sentence_and_no_other(
    fault: str, tmp_path: Path, plugins: PluginFolder
) -> None:
    body, message = BROKEN[fault]
    plugins.install_strategy("broken", body)
    outcome = small_run(tmp_path, "broken,random")
    statuses = {status.strategy: status for status in outcome.statuses}
    assert outcome.exit_code == api.EXIT_CELLS
    assert statuses["random"].status == "done"
    assert statuses["broken"].status == "failed"
    assert message in statuses["broken"].reason
    assert "\n" not in statuses["broken"].reason
    assert albench.load(tmp_path).strategy.unique().tolist() == ["random"]


def test_ties_go_to_the_lowest_index(tmp_path: Path, plugins: PluginFolder) -> None:
    plugins.install_strategy(
        "tied",
        "def score_sets(self, query):\n    import torch\n    query.note('first', query.sets[2].tolist().__str__())\n"
        "    return torch.tensor([0., 1., 3., 3., 2., 3.])",
    )
    frame = small_run(tmp_path, "tied").rounds()
    spec = cell("tied")
    state = loop(spec)
    chosen = frame.query("round == 1").iloc[0]
    assert chosen.query_indices.tolist() == state.pool()[eval(chosen.notes["first"])].tolist()


def test_numbers_do_not_depend_on_the_order_of_names(tmp_path: Path) -> None:
    one = small_run(tmp_path / "a", "min,random", seeds=[1, 0]).rounds()
    other = small_run(tmp_path / "b", "random,min", seeds=[0, 1]).rounds()
    by = ["strategy", "seed", "round"]
    columns = [name for name in one.columns if name not in VARYING]
    assert (
        one.sort_values(by)[columns]
        .reset_index(drop=True)
        .equals(other.sort_values(by)[columns].reset_index(drop=True))
    )


def test_the_global_generators_are_left_alone_by_a_whole_cell(tmp_path: Path) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[union-attr,index]
    small_run(tmp_path, "random")
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # type: ignore[index]


SETTINGS = {
    "gradient mode": "torch.set_grad_enabled(False)",
    "default dtype": "torch.set_default_dtype(torch.float64)",
    "number of threads": "torch.set_num_threads(2)",
    "matrix product": "from albench.products.matmul import use; use('mkl+bf16')",
    "cuDNN benchmark mode": "torch.backends.cudnn.benchmark = True",
    "float32 precision": "torch.set_float32_matmul_precision('medium')",
    "float32 precision ": "torch.backends.mkldnn.matmul.fp32_precision = 'bf16'",
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("then", ["return query.logits[:6, 0]", "raise ValueError('and raises')"])
def test_a_strategy_that_changes_how_torch_computes_harms_no_later_cell(
    setting: str, then: str, tmp_path: Path, plugins: PluginFolder
) -> None:
    plugins.install_strategy(
        "meddling", f"def score_sets(self, query):\n    import torch\n    {SETTINGS[setting]}\n    {then}"
    )
    together = small_run(tmp_path / "a", "meddling,random")
    assert [status.status for status in together.statuses] == ["failed", "done"]
    if "return" in then:
        assert f"it changed torch's {setting.strip()} for the whole process" in together.statuses[0].reason
    alone = small_run(tmp_path / "b", "random").rounds()
    columns = [name for name in alone.columns if name not in VARYING]
    assert together.rounds()[columns].equals(alone[columns])


@pytest.fixture
def other_torch() -> Iterator[None]:
    """A process in which torch computes otherwise, as a notebook may have left it."""
    backends = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = [backend.fp32_precision for backend in backends]
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    backends[0].fp32_precision, backends[1].fp32_precision = "tf32", "bf16"  # which torch's older names cannot tell
    yield
    for backend, precision in zip(backends, before, strict=True):
        backend.fp32_precision = precision
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)


def test_how_torch_computes_in_the_calling_process_changes_no_number_and_is_as_it_was_afterwards(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plain = small_run(tmp_path / "a", "emoc,random").rounds()
    request.getfixturevalue("other_torch")
    other = small_run(tmp_path / "b", "emoc,random")
    assert (torch.get_default_dtype(), torch.is_grad_enabled()) == (torch.float64, False)
    assert torch.backends.mkldnn.matmul.fp32_precision == "bf16"  # type: ignore[attr-defined]
    assert [status.status for status in other.statuses] == ["done", "done"], other.statuses
    columns = [name for name in plain.columns if name not in VARYING]
    assert other.rounds()[columns].equals(plain[columns])


def test_an_error_of_the_system_in_a_strategy_is_its_own_and_is_recorded(tmp_path: Path, plugins: PluginFolder) -> None:
    plugins.install_strategy("reading", "def score_sets(self, query):\n    open('/no/such/model.pt')")
    status = small_run(tmp_path, "reading").statuses[0]
    assert status.status == "failed"
    assert "FileNotFoundError" in status.reason


def test_an_observer_cannot_change_what_is_stored(tmp_path: Path, plugins: PluginFolder) -> None:
    plugins.install(
        "thief",
        "import albench\n@albench.hookimpl\ndef albench_round_recorded(cell, record):\n    record.pop('accuracy')\n",
    )
    frame = small_run(tmp_path, "random").rounds()
    small_run(tmp_path, "random", rounds=3)
    assert frame.accuracy.notna().all()
    assert albench.load(tmp_path).accuracy.notna().all()


def test_quickstart_starts_from_networks_that_have_learned_the_known_classes() -> None:
    request = Request(seeds=1)
    cell = read_study(request).cells()[0]
    split = cell.setting.scenario.build().split(0)
    model = new_model(cell, split, "cpu")
    examples = Examples(split.images[split.initial], split.labels[split.initial])
    cell.setting.learner.build().fit(model, examples)
    assert (model.predict(examples.inputs) == examples.labels).mean() > 0.9
