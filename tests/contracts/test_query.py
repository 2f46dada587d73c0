"""What a query offers beyond the network: it is frozen, examples have names, and a strategy has a memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import albench
from albench.contracts.memory import MOST_BYTES
from albench.contracts.query import MOST_NOTE, MOST_NOTES
from albench.errors import StrategyError
from albench.testing import make_query
from tests.conftest import PluginFolder, small_run

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


def query() -> albench.Query:
    return make_query(n_pool=6, n_labeled=3, n_sets=2, set_size=2, n_classes=3, image_shape=(1, 8, 8))


def test_a_query_cannot_be_changed() -> None:
    asked = query()
    for name in ("pool", "_pool", "round", "mine"):
        with pytest.raises(FrozenInstanceError, match=f"query.{name} cannot be set"):
            setattr(asked, name, 1)
    with pytest.raises(FrozenInstanceError, match="cannot be deleted"):
        del asked._pool
    with pytest.raises(TypeError):
        asked.memory["x"] = 1  # type: ignore[index]


def test_candidate_sets_that_a_protocol_has_not_are_one_clear_error() -> None:
    asked = make_query(n_pool=6, n_sets=None, image_shape=(1, 8, 8))
    with pytest.raises(StrategyError, match="has no candidate sets, since its protocol selects single examples"):
        _ = asked.sets


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20), plain)
def test_what_is_remembered_is_read_and_stored_as_it_was(name: str, value: Any) -> None:
    asked = query()
    asked.remember(name, value)
    if value is None:
        assert name not in asked.memory
        return
    assert asked.memory[name] == value
    assert asked.stored_memory() == {name: value}


def test_a_remembered_tensor_is_a_copy_and_none_forgets_it() -> None:
    asked, mine = query(), torch.arange(4.0)
    asked.remember("mine", mine)
    mine.zero_()
    assert asked.memory["mine"].tolist() == [0, 1, 2, 3]
    asked.remember("mine", None)
    assert dict(asked.memory) == {}


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.bool]
)
def test_a_tensor_is_kept_in_its_own_type_up_to_the_largest_number(dtype: torch.dtype) -> None:
    largest = True if dtype == torch.bool else (torch.finfo if dtype.is_floating_point else torch.iinfo)(dtype).max
    mine, asked = torch.tensor([0, largest], dtype=dtype), query()
    asked.remember("mine", mine)
    assert asked.memory["mine"].dtype == dtype
    assert torch.equal(asked.memory["mine"], mine)


REFUSED: dict[str, tuple[Callable[[], tuple[Any, Any]], str]] = {
    "too large": (lambda: ("x", torch.zeros(MOST_BYTES // 4 + 1)), r"would take 64\.0 MB, and 64 MB are the most"),
    "nan": (lambda: ("x", torch.tensor([1.0, float("nan")])), "the tensor holds NaN or infinite numbers"),
    "infinite": (lambda: ("x", float("inf")), "a float is no tensor and no plain value"),
    "object": (lambda: ("x", object()), "a object is no tensor and no plain value"),
    "array": (lambda: ("x", np.zeros(3)), "a ndarray is no tensor and no plain value"),
    "numpy number": (lambda: ("x", np.float64(3)), "is no tensor and no plain value"),
    "tuple": (lambda: ("x", (1, 2)), "a tuple is no tensor and no plain value"),
    "keys": (lambda: ("x", {1: 2}), "a dict is no tensor and no plain value"),
    "name": (lambda: (3, 1), "a name is a printable text"),
    "long name": (lambda: ("x" * 201, 1), "a name is a printable text of at most 200 characters"),
    "sparse": (lambda: ("x", torch.eye(3).to_sparse()), "a tensor that is kept is dense and real"),
    "deep": (lambda: ("x", eval("[" * 40 + "]" * 40)), "a list is no tensor and no plain value"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_kept_is_refused_with_a_sentence(fault: str) -> None:
    make, message = REFUSED[fault]
    with pytest.raises(StrategyError, match=message):
        query().remember(*make())


def test_the_size_of_a_memory_counts_all_of_it_and_what_is_forgotten_no_more() -> None:
    asked, half = query(), torch.zeros(MOST_BYTES // 2, dtype=torch.uint8)
    asked.remember("one", half)
    asked.remember("other", half)
    asked.remember("one", half)
    with pytest.raises(StrategyError, match="are the most"):
        asked.remember("text", "x")
    asked.remember("other", None)
    asked.remember("text", "x")


RECORDER = """
def score(self, query):
    import torch
    query.note("round", query.round)
    query.note("history", str(query.history.bincount().tolist()))
    query.note("kept", len(query.memory))
    seen = query.memory.get("seen", {})
    means = query.pool.mean(dim=(1, 2, 3)).tolist()
    for name, mean in zip(query.pool_ids.tolist(), means):
        assert seen.setdefault(str(name), mean) == mean
    for name, image in zip(query.labeled_ids.tolist(), query.labeled.mean(dim=(1, 2, 3)).tolist()):
        assert name == -1 or seen[str(name)] == image
    query.remember("seen", seen)
    return query.logits[:, 0]
"""


def test_ids_name_the_same_image_in_every_round_and_history_tells_who_was_asked_for_when(
    tmp_path: Path, plugins: PluginFolder
) -> None:
    plugins.install_strategy("recording", RECORDER)
    outcome = small_run(tmp_path, "recording", rounds=3)
    assert [status.status for status in outcome.statuses] == ["done"], outcome.statuses
    notes = outcome.rounds().notes.tolist()[1:]
    assert [note["round"] for note in notes] == [1, 2, 3]
    assert [note["history"] for note in notes] == ["[100]", "[100, 5]", "[100, 5, 5]"]
    assert [note["kept"] for note in notes] == [0, 1, 1]


def test_a_memory_that_is_changed_in_place_fails_its_cell_and_says_what_to_do(
    tmp_path: Path, plugins: PluginFolder
) -> None:
    body = (
        "def score(self, query):\n    import torch\n    if query.round == 1:\n        query.remember('sum', torch.zeros(3))\n"
        "    else:\n        query.memory['sum'].add_(1)\n    return query.logits[:, 0]"
    )
    plugins.install_strategy("meddling", body)
    status = small_run(tmp_path, "meddling").statuses[0]
    assert (status.status, status.rounds) == ("failed", 1)
    assert "it changed query.memory['sum'] in place; query.remember it" in status.reason


@pytest.mark.parametrize("protocol", ["discovery", "top-k"])
def test_scores_of_a_wrong_length_fail_the_cell_whoever_asks_for_them(
    protocol: str, tmp_path: Path, plugins: PluginFolder
) -> None:
    plugins.install_strategy("long", "def score(self, query):\n    return query.logits.flatten()")
    from albench import api
    from albench.executors.here import Here
    from albench.study.study import Request

    values = {"initial_iterations": 2, "update_iterations": 1}
    planned = api.plan(Request(strategies="long", seeds=1, protocol=protocol, rounds=1, values=values), tmp_path)
    status = api.perform(planned, Here(), "cpu", 1, [], report=False).statuses[0]
    assert "score(query) must return one number a pool example, a tensor of shape (400,)" in status.reason


def test_ids_say_nothing_about_labels() -> None:
    """Ids are positions in a shuffled pool: sorted by id, neighbours share a class no more often than by chance."""
    split = albench.scenario("digits").split(0)
    labels = split.labels[split.pool]
    draws = np.random.default_rng(0)
    chance = [(np.diff(draws.permutation(labels)) == 0).sum() for _ in range(300)]
    assert abs((np.diff(labels) == 0).sum() - np.mean(chance)) < 4 * np.std(chance)


def test_notes_of_a_round_have_an_end() -> None:
    asked = query()
    for number in range(MOST_NOTES):
        asked.note(f"note {number}", number)
    asked.note("note 0", "x" * MOST_NOTE)
    with pytest.raises(StrategyError, match="a round keeps at most 100 notes"):
        asked.note("one more", 1)
    with pytest.raises(StrategyError, match="a text of at most 200 characters"):
        asked.note("note 1", "x" * (MOST_NOTE + 1))
    with pytest.raises(StrategyError, match="a note's name is a text of at most"):
        asked.note("x" * 10_000_000, 1)
    assert len(asked.notes) == MOST_NOTES
