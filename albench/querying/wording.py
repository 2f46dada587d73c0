"""An answer put together: the chosen files, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from albench.analysis import STABLE, WINDOW, Stability, stability
from albench.errors import printable
from albench.querying.answer import Answer
from albench.querying.table import COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from albench.contracts.query import Query
    from albench.querying.asked import Asked
    from albench.querying.learning import Learned

SOURCE = "Bloodgood and Vijay-Shanker 2009"


def answer(asked: Asked, network: Learned, query: Query, chosen: NDArray[np.int64], scores: Tensor | None) -> Answer:
    """Return the answer for the chosen places of the pool, best first."""
    data, rows = asked.data, asked.pool.rows[chosen]
    best = query.probabilities[chosen].max(dim=1)
    classes = np.asarray(network.model.classes)[best.indices.cpu().numpy()]
    values = [
        range(1, len(rows) + 1),
        [printable(data.files[row]) for row in rows],
        np.full(len(rows), np.nan) if scores is None else scores.detach().cpu().double().numpy()[chosen],
        [printable(data.labeled.class_names[label]) for label in classes],
        best.values.cpu().double().numpy(),
    ]
    found = stability(network.predictions, asked.request.stop_agreement) if network.predictions else None
    notes = (*data.labeled.notes, *data.notes, *asked.pool.notes, *asked.timeline.notes)
    picture = data.picture
    return Answer(
        frame=pd.DataFrame(dict(zip(COLUMNS, values, strict=True))),
        sentences=[_what_was_done(asked, network), *_of_leader(asked), *_of_stopping(asked, found)],
        facts=_facts(asked, network),
        notes=[printable(note) for note in notes],
        stop=None if found is None or len(found.agreements) < found.window else found.says_stop,
        picture=None if picture is None else lambda place: picture(int(rows[place])),
    )


def _what_was_done(asked: Asked, network: Learned) -> str:
    k, n, n_labeled, parts = asked.request.k, len(asked.pool.rows), len(network.examples), asked.parts
    return (
        f"{asked.choice.label} chose {k:,} of {n:,} examples without a label; {parts.network.label}, trained by "
        f"{parts.learner.label}, had seen {n_labeled:,} labels of {len(network.model.classes)} classes."
    )


def _of_leader(asked: Asked) -> list[str]:
    if asked.leader is None:
        return []
    labels = {"network": asked.parts.network.label, "learner": asked.parts.learner.label}
    return [*asked.leader.sentences, *asked.leader.others(asked.data.labeled.fingerprint, labels)]


def _of_stopping(asked: Asked, found: Stability | None) -> list[str]:
    """Return what earlier answers say of further ones."""
    if found is None:
        return []
    shown = ", ".join(f"{value:.3f}" for value in found.agreements[-WINDOW:])
    rule = f"stabilizing predictions, {SOURCE}"
    if len(found.agreements) < WINDOW:
        return [
            f"Whether more labels pay can be told from {WINDOW} earlier answers on, {len(found.agreements)} so far "
            f"({rule}); the networks before and after agree by kappa {shown}."
        ]
    mean = (
        f"before and after each of the last {WINDOW} answers networks agree by kappa {shown}, {found.mean:.3f} in mean"
    )
    cut = f"{asked.request.stop_agreement:g}"
    if found.says_stop:
        return [f"More labels of this kind have stopped paying: {mean}, at least {cut} ({rule})."]
    lower = "" if asked.request.stop_agreement != STABLE else "; networks trained anew may never agree so far"
    return [f"More labels still change what the network says: {mean}, less than {cut} ({rule}{lower})."]


def _facts(asked: Asked, network: Learned) -> dict[str, str]:
    parts = asked.parts
    return {
        "strategy": asked.choice.label,
        "network": parts.network.label,
        "learner": parts.learner.label,
        "data": parts.scenario.label,
        "labelled": f"{len(network.examples):,} of {len(network.model.classes)} classes",
        "without a label": f"{len(asked.pool.rows):,}",
        "round": str(network.round),
        "seed": str(asked.request.seed),
    }
