"""`albench.query`: what to label next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from albench.analysis import STABLE, STOP_SET
from albench.contracts.component import Component
from albench.contracts.scenario import Inputs
from albench.contracts.strategy import select_with_scores
from albench.products.choice import chosen as chosen_product
from albench.querying.answer import Answer
from albench.querying.asked import Asked, read
from albench.querying.pool import stop_set
from albench.querying.request import QueryRequest
from albench.running.device import check_device, check_threads

if TYPE_CHECKING:
    from albench.contracts.query import Query
    from albench.querying.learning import Learned
    from albench.training.model import Watch


def query(
    labeled: str | Path | None = None,
    unlabeled: str | Path | None = None,
    *,
    features: str | Path | None = None,
    strategy: str | Component | None = None,
    strategy_from: str | Path | None = None,
    setting: str | None = None,
    k: int = 100,
    scenario: str | Component | None = None,
    network: str | Component | None = None,
    learner: str | Component | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - the option's word
    history: Sequence[str | Path] = (),
    stop_agreement: float = STABLE,
    seed: int = 0,
    device: str | None = None,
    threads: int = 1,
    watch: Callable[[str, int, int], None] | None = None,
) -> Answer:
    """Train a network on what is labelled, and return what to label next.

    `labeled` is a folder with a folder for each class, `unlabeled` a folder of images in any order; or `features` is a
    file in which rows without a label have the label -1. `strategy` names or is a strategy; `strategy_from` is a store
    or archive whose leading one is taken, of its one setting or of `setting`. `history` are earlier answers, the oldest
    first: with three of them the answer says whether more labels stop paying, at a mean agreement of `stop_agreement`.
    `watch` is told how long trainings get on: what is trained, iterations done, iterations in all. Raises RequestError
    when the request is wrong or the data are; StrategyError, DivergedError.
    """
    request = QueryRequest(
        labeled, unlabeled, features, strategy, strategy_from, setting, k, scenario, network, learner, dict(set or {}),
        tuple(history), stop_agreement, seed,
    )  # fmt: skip
    return perform(request, device, threads, watch)


def perform(request: QueryRequest, device: str | None, threads: int, watch: Watch | None = None) -> Answer:
    """Answer a request; see `query`."""
    from albench.products.matmul import usable
    from albench.running.mode import prepare_torch, settings_kept
    from albench.training.model import unwatched

    request.check()
    check_threads(threads)
    chosen_device, product = check_device(device), chosen_product()
    asked = read(request, chosen_device)
    with settings_kept():
        prepare_torch(chosen_device, threads, usable(product))
        return _answered(asked, chosen_device, watch or unwatched)


def _answered(asked: Asked, device: str, watch: Watch) -> Answer:
    """Train, ask the strategy, and put the answer together."""
    from albench.contracts.answers import check_selection
    from albench.querying.learning import learned
    from albench.querying.wording import answer
    from albench.running.asking import untouched

    data, parts = asked.data, asked.parts
    network = learned(
        parts.network.build(), parts.learner.build(), data.labeled.images, data.labeled.labels, asked.timeline,
        _stop_set(asked), asked.request.seed, device, watch,
    )  # fmt: skip
    query = _query(asked, network)
    with untouched(query):
        selection, scores = select_with_scores(asked.strategy, query, asked.request.k)
    return answer(asked, network, query, check_selection(selection, asked.request.k, len(query.pool)), scores)


def _stop_set(asked: Asked) -> Inputs:
    """Return what models are compared on: examples of the pool as it was at the start, what was asked for included."""
    data, pool, later = asked.data, asked.pool, asked.timeline.rounds[1:]
    if not later:
        return data.unlabeled[:0]
    rows = np.concatenate(later)
    places = stop_set(len(pool.rows) + len(rows), STOP_SET, asked.request.seed)
    places, asked_places = places[places < len(pool.rows)], places[places >= len(pool.rows)] - len(pool.rows)
    return np.concatenate([data.unlabeled[pool.rows[places]], data.labeled.images[rows[asked_places]]])


def _query(asked: Asked, network: Learned) -> Query:
    """Return what the strategy sees: a round after the earlier answers, with an empty memory."""
    import torch

    from albench.contracts.query import Query
    from albench.rng import torch_stream

    model, strategy = network.model, asked.strategy
    return Query(
        network=model.snapshot(),
        pool=model.prepare(asked.data.unlabeled[asked.pool.rows]),
        labeled=model.prepare(network.examples.inputs),
        labels=model.outputs(network.examples.labels),
        sets=None,
        generator=torch_stream(asked.request.seed, "strategy", asked.choice.name, strategy.stream, network.round),
        round=network.round,
        history=torch.from_numpy(network.history).to(model.device),
    )
