"""mlmoc against its definition: the network's linearisation, retrained with each candidate by a kernel solve."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

import albench
from albench.contracts.query import Query
from albench.errors import StrategyError
from albench.testing import make_probe
from albench_strategies.emoc import tangent
from tests.emoc.queries import WithBody, in_float64, query_of, small_query
from tests.emoc.test_emoc_layers import BODIES, STRANGE
from tests.strategies.rounds import Array, close, round64


def _gradients(query: Query, images: Tensor, linear: bool = False) -> Array:
    """The gradient of the summed logits over sqrt(C), one image after another, (n, P)."""
    network: Any = query.network
    chosen = {
        f"{name}.{own}" if name else own: value.detach()
        for name, module in network.named_modules()
        for own, value in module.named_parameters(recurse=False)
        if not linear or isinstance(module, nn.Linear)
    }

    def output(weights: dict[str, Tensor], image: Tensor) -> Tensor:
        logits = torch.func.functional_call(network, weights, (image[None],))[0]
        return logits.sum() / len(logits) ** 0.5

    rows = []
    for image in images:
        found = torch.func.grad(output)(chosen, image)
        rows.append(torch.cat([part.flatten() for part in found.values()]).detach().numpy())
    return np.array(rows)


def _said(query: Query, images: Tensor) -> Array:
    return np.array([query.network(image[None])[0].detach().numpy() for image in images])


def _retrained(known: Array, said: Array, targets: Array, at: Array, before: Array, jitter: float) -> Array:
    """What the linearised network says of the images `at` once it was trained on the known ones: one whole solve."""
    weights = np.linalg.solve(known @ known.T + jitter * np.eye(len(known)), targets - said)
    return before + at @ known.T @ weights


def _expected(query: Query, ridge: float, linear: bool = False, places: list[int] | None = None) -> list[float]:
    """The sum over the pool's images (or those at `places`) of the change, for each candidate."""
    one_hot = np.eye(query.n_classes)
    known, said, targets = _gradients(query, query.labeled, linear), _said(query, query.labeled), one_hot[query.labels]
    pool, before = _gradients(query, query.pool, linear), _said(query, query.pool)
    jitter = ridge * np.mean([x @ x for x in known])
    chosen = list(range(len(pool))) if places is None else places
    old = _retrained(known, said, targets, pool[chosen], before[chosen], jitter)
    totals = []
    for x, outputs in zip(pool, before, strict=True):
        new = _retrained(
            np.concatenate([known, x[None]]),
            np.concatenate([said, outputs[None]]),
            np.concatenate([targets, one_hot[outputs.argmax()][None]]),
            pool[chosen],
            before[chosen],
            jitter,
        )
        totals.append(sum(float(np.sqrt(np.sum((a - b) ** 2))) for a, b in zip(new, old, strict=True)))
    return totals


@pytest.mark.parametrize("ridge", [0.0001, 0.1])
@pytest.mark.parametrize("n_classes", [1, 2, 4])
def test_mlmoc_is_the_change_found_by_retraining_the_linearised_network_with_each_candidate(
    n_classes: int, ridge: float
) -> None:
    query = round64(n_pool=16, n_classes=n_classes)
    close(albench.strategy(f"mlmoc[ridge={ridge}]").score(query), _expected(query, ridge), rtol=1e-6)


@pytest.mark.parametrize("layers", ["all", "linear"])
@pytest.mark.parametrize("body", BODIES)
def test_mlmoc_knows_the_kernel_of_every_kind_of_layer(body: str, layers: str) -> None:
    build, d = BODIES[body]
    query = in_float64(query_of(WithBody(build(), d), n_pool=7, n_labeled=4))
    found = albench.strategy(f"mlmoc[ridge=0.01,layers={layers}]").score(query)
    close(found, _expected(query, 0.01, layers == "linear"), rtol=1e-6)


def test_mlmoc_has_the_pseudo_kernel_of_the_logits_sum_over_the_root_of_their_number() -> None:
    query = round64()
    kernel = tangent.TangentKernel(query.network, False, "mlmoc", "")
    known, pool = _gradients(query, query.labeled), _gradients(query, query.pool)
    close(kernel.matrix(query.labeled, query.pool), known @ pool.T)
    close(kernel.diagonal(query.pool), [x @ x for x in pool])


def _trained(n_steps: int = 30) -> Query:
    """The common network in float32 on images of 3 x 12 x 12, trained a little on its labelled ones."""
    probe = make_probe(n_pool=30, n_labeled=20, image_shape=(3, 12, 12))
    network: Any = albench.network("cifar10-quick").build((3, 12, 12), 4, np.random.default_rng(0)).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9)
    for _ in range(n_steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(probe.labeled), probe.labels).backward()
        optimiser.step()
    return replace(probe, network=network.eval()).query()


def test_mlmoc_picks_in_float32_on_the_common_network_as_its_definition_does() -> None:
    query = _trained()
    exact = in_float64(_trained())
    expected = np.array(_expected(exact, 1e-4))
    found = albench.strategy("mlmoc").score(query).numpy()
    assert spearmanr(found, expected)[0] > 0.99
    picked = albench.strategy("mlmoc").select(query, 5).tolist()
    assert picked == np.argsort(-expected, kind="stable")[:5].tolist()


def _descended(known: Array, said: Array, targets: Array, at: Array, before: Array, jitter: float) -> Array:
    """The same as `_retrained` by gradient descent on the weights of the linearised outputs, from where they are."""
    moved = np.zeros((known.shape[1], targets.shape[1]))
    step = 1 / (np.linalg.norm(known, 2) ** 2 + jitter)
    for _ in range(100_000):
        slope = known.T @ (said + known @ moved - targets) + jitter * moved
        moved -= step * slope
        if np.abs(step * slope).max() < 1e-14 * np.abs(moved).max():
            break
    return before + at @ moved


@pytest.mark.parametrize("n_classes", [1, 3])
def test_mlmoc_is_what_gradient_descent_on_the_linearised_network_converges_to(
    n_classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one output the gradients are the Jacobian itself; with more, each output has weights of its own."""
    query = round64(n_pool=6, n_labeled=5, n_classes=n_classes, set_size=1)
    monkeypatch.setitem(globals(), "_retrained", _descended)
    close(albench.strategy("mlmoc[ridge=0.05]").score(query), _expected(query, 0.05), rtol=1e-5)


def test_mlmoc_gives_the_same_scores_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    query = round64(n_pool=120, n_labeled=30)
    whole = albench.strategy("mlmoc").score(query)
    monkeypatch.setattr(tangent, "CPU_BLOCK_BYTES", 1)
    monkeypatch.setattr(tangent, "CPU_CHUNK_BYTES", 20_000)
    blocks = list(tangent.TangentKernel(query.network, False, "mlmoc", "").blocks(query.pool, query.pool))
    assert len({columns.start for _, columns, _ in blocks}) == 3
    assert len({rows.start for rows, _, _ in blocks}) > 3
    close(albench.strategy("mlmoc").score(query), whole)


def test_mlmoc_sums_over_a_random_part_of_the_pool_when_asked_to_and_says_so() -> None:
    query = round64(n_pool=20)
    found = albench.strategy("mlmoc[expectation=6]").score(query)
    places = torch.randperm(20, generator=round64(n_pool=20).generator)[:6].tolist()
    close(found, _expected(query, 1e-4, places=places), rtol=1e-6)
    assert query.notes["approximation"] == "the expectation is over 6 random images"


@pytest.mark.parametrize("kind", STRANGE)
def test_mlmoc_names_a_layer_that_it_does_not_know_and_what_to_do(kind: str) -> None:
    build, d, message = STRANGE[kind]
    query = query_of(WithBody(build(), d))
    with pytest.raises(StrategyError, match=message) as caught:
        albench.strategy("mlmoc").score(query)
    assert "take a strategy that needs no gradient" in str(caught.value)
    assert "emoc[" not in str(caught.value).replace("mlmoc[", "")


def _filled(value: float) -> Query:
    query = small_query()
    with torch.no_grad():
        for parameter in query.network.parameters():
            parameter.fill_(value)
    return query


def test_mlmoc_refuses_a_network_that_is_not_finite() -> None:
    with pytest.raises(StrategyError, match="not finite"):
        albench.strategy("mlmoc").score(_filled(float("nan")))
    query = small_query()
    with torch.no_grad():
        query.network.head.weight.mul_(1e30)
    with pytest.raises(StrategyError, match="MLMOC scores are not finite"):
        albench.strategy("mlmoc").score(query)


def test_mlmoc_of_a_network_that_no_weight_moves_is_zero_and_a_warning_is_noted() -> None:
    network = WithBody(nn.Sequential(nn.Flatten(), nn.Linear(128, 5, bias=False)), 5)
    network.head = nn.Linear(5, 3, bias=False)
    query = query_of(network)
    with torch.no_grad():
        for parameter in query.network.parameters():
            parameter.zero_()
    assert albench.strategy("mlmoc").score(query).tolist() == [0.0] * len(query.pool)
    assert "all MLMOC scores are 0" in str(query.notes["warning"])


def test_mlmoc_asks_for_a_larger_ridge_where_the_kernel_is_singular() -> None:
    query = round64()
    alike = query.labeled[:1].expand_as(query.labeled).clone()
    asked = Query(query.network, query.pool, alike, query.labels, None, query.generator)
    with pytest.raises(StrategyError, match=r"singular with ridge=1e-30; set mlmoc\[ridge=1e-06\]"):
        albench.strategy("mlmoc[ridge=1e-30]").score(asked)
    assert bool(albench.strategy("mlmoc").score(asked).isfinite().all())


def test_mlmoc_values_a_copy_of_a_labelled_image_least() -> None:
    query = round64()
    pool = torch.cat([query.pool, query.labeled[:1]])
    asked = Query(query.network, pool, query.labeled, query.labels, None, query.generator)
    scores = albench.strategy("mlmoc").score(asked)
    assert int(scores.argmin()) == len(query.pool)
