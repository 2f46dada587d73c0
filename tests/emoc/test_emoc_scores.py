"""The fast path against the oracle."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import albench
from albench_strategies.emoc import forms, problem
from albench_strategies.emoc.forms import Form
from albench_strategies.emoc.tiers import pair_scores
from tests.emoc import oracle
from tests.emoc.queries import in_float64, small_query


@pytest.mark.parametrize("output", ["logits", "softmax"])
@pytest.mark.parametrize("label", ["set", "example", "expected"])
@pytest.mark.parametrize("layers", ["all", "linear"])
def test_emoc_set_scores_equal_the_float64_oracle(output: str, label: str, layers: str) -> None:
    query = small_query()
    scores = albench.strategy(f"emoc[output={output},label={label},layers={layers},tolerance=0]").score_sets(query)
    images = torch.cat([query.labeled, query.pool])
    expected = [
        oracle.set_score(query.network, images, query.pool[members], label, output == "softmax", layers == "linear")
        for members in query.sets
    ]
    torch.testing.assert_close(scores.double(), torch.tensor(expected).double(), rtol=1e-4, atol=0)


def test_emoc_set_scores_equal_the_oracle_on_the_common_network() -> None:
    query = albench.testing.make_query(n_pool=6, n_labeled=2, n_classes=4, n_sets=3, set_size=2, image_shape=(1, 8, 8))
    scores = albench.strategy("emoc[tolerance=0]").score_sets(query)
    images = torch.cat([query.labeled, query.pool])
    expected = [oracle.set_score(query.network, images, query.pool[members], "set") for members in query.sets]
    torch.testing.assert_close(scores.double(), torch.tensor(expected).double(), rtol=1e-4, atol=0)


@given(
    n_classes=st.sampled_from([1, 2, 7, 100]),
    n_images=st.sampled_from([1, 3]),
    n_candidates=st.sampled_from([1, 5, 13]),
    softmax=st.booleans(),
    form=st.sampled_from(list(Form)),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=15, deadline=None)
def test_emoc_pair_scores_equal_the_oracle_whatever_the_shape_and_the_form(
    n_classes: int, n_images: int, n_candidates: int, softmax: bool, form: Form, seed: int
) -> None:
    query = small_query(n_pool=n_images + n_candidates, n_labeled=1, n_classes=n_classes, seed=seed)
    query = in_float64(query)
    examples = torch.arange(n_images, n_images + n_candidates)
    labels = torch.randint(n_classes, (n_candidates,), generator=query.generator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(problem, "cheapest", lambda *_: form)
        scores = pair_scores(query, query.pool[:n_images], examples, labels, softmax)
    expected = [
        oracle.pair_score(query.network, query.pool[:n_images], query.pool[example], int(label), softmax, False)
        for example, label in zip(examples, labels, strict=True)
    ]
    torch.testing.assert_close(scores, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-12)


def test_emoc_scores_do_not_depend_on_how_candidates_and_products_are_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query = small_query(n_pool=23, n_labeled=20)
    whole = albench.strategy("emoc[tolerance=0]").score_sets(query)
    monkeypatch.setattr(problem, "CPU_GRADIENT_BYTES", 1)
    monkeypatch.setattr(problem, "CANDIDATES_A_PIECE", 3)
    monkeypatch.setattr(problem, "CPU_CHUNK_BYTES", 1)
    monkeypatch.setattr(forms, "SCRATCH_BYTES", 1)
    torch.testing.assert_close(albench.strategy("emoc[tolerance=0]").score_sets(query), whole, rtol=1e-5, atol=0)


def test_emoc_with_an_expectation_over_part_of_the_images_scores_with_those_images() -> None:
    query = small_query(n_pool=12, n_labeled=8)
    few = albench.strategy("emoc[expectation=5]").score_sets(query)
    again = albench.strategy("emoc[expectation=5]").score_sets(small_query(n_pool=12, n_labeled=8))
    assert torch.equal(few, again), "the images come from the strategy's stream"
    assert query.notes["approximation"] == "the expectation is over 5 random images"
    all_images = albench.strategy("emoc[expectation=1000]").score_sets(query)
    assert not torch.allclose(few, all_images)
    assert torch.equal(all_images, albench.strategy("emoc").score_sets(query))


def test_emoc_leaves_the_network_as_it_was() -> None:
    query = small_query()
    before = {name: value.clone() for name, value in query.network.state_dict().items()}
    albench.strategy("emoc").score_sets(query)
    assert all(torch.equal(before[name], value) for name, value in query.network.state_dict().items())
    assert all(parameter.requires_grad for parameter in query.network.parameters())


def test_emoc_notes_which_path_scored_and_the_error_it_measured() -> None:
    for path in ("autograd", "structured"):
        query = small_query()
        albench.strategy(f"emoc[path={path},tolerance=0]").score_sets(query)
        assert query.notes == {"emoc_rank": {"structured": "exact"}.get(path, path), "emoc_rms_error": 0.0}
